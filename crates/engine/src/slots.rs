//! A bound on the calls that the server of a function has open.

use std::future::Future;
use std::panic::resume_unwind;
use std::sync::Arc;
use std::time::Duration;

use lambda_esm_core::fault::{InvokeError, InvokeErrorKind};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::patience::within;

/// The calls that may be open at a time, for backends that reach a function over a network.
///
/// There a function goes on running when its caller is gone, and a server that runs one at a time may take
/// harm from the next one: the runtime interface emulator dies of it. So a call that has begun keeps its
/// slot until the server has answered or the connection is lost, also if the caller has stopped waiting.
#[derive(Clone, Debug)]
pub struct Slots {
    /// `None` for no bound.
    free: Option<Arc<Semaphore>>,
    most: usize,
}

/// The right to one call.
#[derive(Debug)]
pub struct Slot(Option<OwnedSemaphorePermit>);

impl Slots {
    /// Returns slots for so many calls, at least one; `None` for any number.
    #[must_use]
    pub fn new(most: Option<usize>) -> Self {
        let most = most.map(|most| most.clamp(1, Semaphore::MAX_PERMITS));
        Self {
            free: most.map(|most| Arc::new(Semaphore::new(most))),
            most: most.unwrap_or(usize::MAX),
        }
    }

    /// Takes a slot for a call to `function`, by the name that the error is to give it.
    ///
    /// # Errors
    /// Throttled if all are taken: nobody waits here, for waiting is the engine's business.
    pub fn take(&self, function: &str) -> Result<Slot, InvokeError> {
        let Some(free) = &self.free else {
            return Ok(Slot(None));
        };
        let slot = Arc::clone(free).try_acquire_owned();
        slot.map(|slot| Slot(Some(slot))).map_err(|_| {
            let most = self.most;
            let message = format!(
                "TooManyRequestsException: function {function} already runs as often as its \
                 concurrency of {most} allows"
            );
            InvokeError::new(InvokeErrorKind::throttled(None), message)
        })
    }
}

impl Slot {
    /// Makes the call, and waits for it up to `patience`; `None` if that was not enough.
    ///
    /// If calls are bounded, it must be called within a tokio runtime, and the call goes on until it ends by
    /// itself, also when this future is dropped. Otherwise it is dropped with this future.
    pub async fn call<T: Send + 'static>(
        self,
        patience: Duration,
        call: impl Future<Output = T> + Send + 'static,
    ) -> Option<T> {
        let Some(slot) = self.0 else {
            return within(patience, call).await;
        };
        let call = tokio::spawn(async move {
            let result = call.await;
            drop(slot);
            result
        });
        let ended = within(patience, call).await?;
        match ended.map_err(tokio::task::JoinError::try_into_panic) {
            Ok(result) => Some(result),
            Err(Ok(panic)) => resume_unwind(panic),
            // The runtime is shutting down.
            Err(Err(_)) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[tokio::test(start_paused = true)]
    async fn a_call_keeps_its_slot_until_it_ends_though_nobody_waits_for_it() {
        let slots = Slots::new(Some(1));
        let slow = || tokio::time::sleep(10 * SECOND);
        assert_eq!(slots.take("f").unwrap().call(SECOND, slow()).await, None);
        let error = slots.take("f").unwrap_err();
        assert_eq!(error.kind, InvokeErrorKind::throttled(None));
        assert!(
            error.message.contains("function f") && error.message.contains("of 1"),
            "{error}"
        );
        tokio::time::sleep(9 * SECOND).await;
        tokio::task::yield_now().await;
        let dropped = slots.take("f").unwrap().call(60 * SECOND, slow());
        drop(tokio::time::timeout(SECOND, dropped).await);
        assert!(slots.take("f").is_err());
        tokio::time::sleep(9 * SECOND).await;
        tokio::task::yield_now().await;
        assert_eq!(
            slots.take("f").unwrap().call(SECOND, async { 7 }).await,
            Some(7)
        );
    }

    #[tokio::test(start_paused = true)]
    async fn unbounded_calls_end_with_their_caller() {
        let slots = Slots::new(None);
        let (sender, receiver) = tokio::sync::oneshot::channel::<()>();
        let call = async move {
            tokio::time::sleep(60 * SECOND).await;
            drop(sender);
        };
        assert_eq!(slots.take("f").unwrap().call(SECOND, call).await, None);
        let before = tokio::time::Instant::now();
        assert!(receiver.await.is_err());
        assert_eq!(before.elapsed(), Duration::ZERO);
        let many: Vec<_> = (0..1_000).map(|_| slots.take("f").unwrap()).collect();
        assert_eq!(many.len(), 1_000);
    }
}
