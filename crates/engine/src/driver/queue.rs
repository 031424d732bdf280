//! How a queue machine's actions are carried out.

use std::sync::Arc;

use lambda_esm_core::Timestamp;
use lambda_esm_core::fault::DeliveryError;
use lambda_esm_core::queue::{Action, Input, QueueMachine};
use tokio_util::task::TaskTracker;

use super::calls::Calls;
use super::event_loop::Ports;
use super::receives::Receives;
use crate::ports::{FailureDestination, QueueSource};

/// Where messages come from, and where those records of a share group go that are given up; `None` of a queue of SQS, and if
/// the mapping has no on-failure destination.
pub(crate) type QueueEnds = (Arc<dyn QueueSource>, Option<Arc<dyn FailureDestination>>);

/// Where messages come from, and where they are settled.
pub(crate) struct QueuePorts {
    source: Arc<dyn QueueSource>,
    destination: Option<Arc<dyn FailureDestination>>,
    receives: Receives,
}

impl QueuePorts {
    /// `receives` counts the receives of all drivers.
    pub(crate) fn new((source, destination): QueueEnds, receives: TaskTracker) -> Self {
        Self {
            destination,
            receives: Receives::new(source.clone(), receives),
            source,
        }
    }
}

impl Ports for QueuePorts {
    type Machine = QueueMachine;
    type Ends = QueueEnds;

    fn move_to(&mut self, (source, destination): QueueEnds) {
        self.receives.move_to(source.clone());
        self.source = source;
        self.destination = destination;
    }

    fn carry_out(&mut self, now: Timestamp, action: Action, calls: &mut Calls<QueueMachine>) {
        match action {
            Action::Receive { id, request } => self.receives.open(id, request),
            Action::Reserve { batch } => calls.reserve(batch),
            Action::Forgo { batch } => calls.forgo(batch),
            Action::Invoke {
                batch,
                attempt,
                payload,
            } => calls.invoke(batch, (batch, attempt), (payload, 0), move |result| {
                Input::Invoked {
                    batch,
                    attempt,
                    result,
                }
            }),
            Action::Settle { id, settlements } => {
                let source = self.source.clone();
                calls.begin(async move {
                    let result = source.settle(&settlements).await;
                    Input::Settled { id, result }
                });
            }
            Action::Deliver { id, record } => {
                let destination = self.destination.clone();
                calls.begin(async move {
                    let result = match destination {
                        Some(destination) => destination.deliver(record).await,
                        None => Err(DeliveryError::new("the mapping has no destination")),
                    };
                    Input::Delivered { id, result }
                });
            }
            Action::Measure => {
                let source = self.source.clone();
                calls.begin(async move {
                    let result = source.lags().await;
                    Input::Measured { result }
                });
            }
            Action::Report(decision) => calls.report(now, decision),
        }
    }

    async fn next_read(&mut self) -> Option<Input> {
        self.receives.next().await
    }

    /// Others are waited for: a message may be on its way, and would stay hidden.
    fn end_reads(&mut self) {
        self.receives.stop();
    }
}
