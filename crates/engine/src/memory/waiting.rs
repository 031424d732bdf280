//! Receives that wait until there is something to take.

use std::time::Duration;

use lambda_esm_core::Timestamp;
use lambda_esm_core::record::QueueMessage;
use tokio::sync::Notify;

use crate::clock::Clock;
use crate::ports::{ReceiveRequest, Received};

/// The longest wait for a message, as of SQS.
pub(super) const LONGEST_WAIT: Duration = Duration::from_secs(20);

/// One receive at a time is woken, however many wait: it takes what there is, or waits until more may be there by itself.
/// As it leaves, another one takes its place.
struct Leaving<'a>(&'a Notify);

impl Drop for Leaving<'_> {
    fn drop(&mut self) {
        self.0.notify_one();
    }
}

/// Receives what `take` takes, which also tells when there may be more though nobody says so. `arrived` is told when
/// there may be more at once.
pub(super) async fn receive(
    clock: Clock,
    arrived: &Notify,
    request: &ReceiveRequest,
    mut take: impl FnMut() -> (Vec<QueueMessage>, Option<Timestamp>) + Send,
) -> Received {
    let deadline = clock.now() + request.wait.min(LONGEST_WAIT);
    let _leaving = Leaving(arrived);
    loop {
        // Registered before looking, so that what is put in between is not missed.
        let more = arrived.notified();
        let (messages, next) = take();
        if !messages.is_empty() || clock.now() >= deadline {
            return messages.into();
        }
        let wake = next.map_or(deadline, |next| next.min(deadline));
        tokio::select! {
            biased;
            () = more => {}
            () = clock.sleep_until(wake) => {}
        }
    }
}
