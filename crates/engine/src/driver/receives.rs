//! Receives, which are never abandoned.
//!
//! A message that was taken stays hidden until somebody deals with it, and a server may go on serving a
//! receive whose caller is gone. So a receive is a task that outlives its driver: what it brings is handed to
//! the machine, or made visible again.

use std::future::Future;
use std::sync::Arc;

use futures::StreamExt as _;
use futures::stream::FuturesUnordered;
use lambda_esm_core::fault::SourceError;
use lambda_esm_core::queue::{Input, ReceiveId, ReceiveRequest, Received};
use lambda_esm_core::record::QueueMessage;
use tokio::runtime::Handle;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tokio_util::task::task_tracker::TaskTrackerToken;

use crate::ports::{QueueSource, SettleVerb, Settlement};

/// The open receives of one driver.
pub(super) struct Receives {
    source: Arc<dyn QueueSource>,
    /// Counts the receives of all drivers, and the releases that some end in.
    tasks: TaskTracker,
    /// Ends those that take nothing by ending.
    stop: CancellationToken,
    open: FuturesUnordered<JoinHandle<(ReceiveId, Result<Taken, SourceError>)>>,
}

impl Receives {
    pub(super) fn new(source: Arc<dyn QueueSource>, tasks: TaskTracker) -> Self {
        Self {
            source,
            tasks,
            stop: CancellationToken::new(),
            open: FuturesUnordered::new(),
        }
    }

    /// Receives from another queue from now on. Those that are open end if they take nothing by ending.
    pub(super) fn move_to(&mut self, source: Arc<dyn QueueSource>) {
        if !Arc::ptr_eq(&self.source, &source) {
            self.source = source;
            self.stop();
            self.stop = CancellationToken::new();
        }
    }

    pub(super) fn open(&self, id: ReceiveId, request: ReceiveRequest) {
        let (source, tasks) = (self.source.clone(), self.tasks.clone());
        let stop = self.stop.clone();
        self.open.push(self.tasks.spawn(async move {
            let may_end = source.receive_is_cancel_safe();
            let result = tokio::select! {
                biased;
                result = source.receive(request) => result,
                () = stop.cancelled(), if may_end => Ok(Received::default()),
            };
            let taken = |received| Taken {
                received,
                source,
                token: tasks.token(),
            };
            (id, result.map(taken))
        }));
    }

    /// Ends the receives that take no message by ending; the others end by themselves.
    pub(super) fn stop(&self) {
        self.stop.cancel();
    }

    /// Waits for the next one to end; `None` if none is open. Cancel safe.
    pub(super) async fn next(&mut self) -> Option<Input> {
        loop {
            // No call panics; what is left is a task that ended with the runtime.
            if let Ok((id, result)) = self.open.next().await? {
                let result = result.map(Taken::keep);
                return Some(Input::Received { id, result });
            }
        }
    }
}

impl Drop for Receives {
    fn drop(&mut self) {
        self.stop();
    }
}

/// What a receive brought. Dropped before the machine has it, it goes back to the queue.
struct Taken {
    received: Received,
    source: Arc<dyn QueueSource>,
    /// Whoever waits for the tasks waits also for what may become one.
    token: TaskTrackerToken,
}

impl Taken {
    fn keep(mut self) -> Received {
        std::mem::take(&mut self.received)
    }

    fn release(&mut self) -> impl Future<Output = ()> + Send + use<> {
        let messages = std::mem::take(&mut self.received.messages);
        let counts = messages
            .iter()
            .filter_map(|message| message.content.kafka());
        if let Some(deliveries) = counts.map(|shared| shared.delivery_count).max() {
            // What its group does not deliver once more it archives, and nobody else hears of that.
            tracing::warn!(
                messages = messages.len(),
                deliveries,
                "records that a receive brought at the end are released unseen, after so many deliveries at most; at the \
                 share group's limit they are archived"
            );
        }
        let messages = messages.into_iter();
        let release = |message: QueueMessage| Settlement::new(message.receipt, SettleVerb::Release);
        let settlements: Vec<Settlement> = messages.map(release).collect();
        let source = self.source.clone();
        async move {
            let messages = settlements.len();
            match source.settle(&settlements).await {
                Ok(_) => tracing::debug!(messages, "released what a receive brought at the end"),
                Err(error) => tracing::warn!(
                    messages,
                    %error,
                    "messages that a receive brought at the end stay hidden until their visibility timeout"
                ),
            }
        }
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        if self.received.messages.is_empty() {
            return;
        }
        // Without a runtime nothing can be done any more: the process is about to end.
        if let Ok(runtime) = Handle::try_current() {
            let release = self.release();
            self.token.task_tracker().spawn_on(release, &runtime);
        }
    }
}
