//! How a topic machine's actions are carried out.

use std::sync::Arc;

use lambda_esm_core::Timestamp;
use lambda_esm_core::fault::DeliveryError;
use lambda_esm_core::stream::topic::{Action, Input, TopicMachine};
use tokio::task::JoinSet;

use super::calls::Calls;
use super::event_loop::Ports;
use crate::ports::{FailureDestination, TopicConsumer};

/// The member of the group that reads the topic, and where those records go that are given up; `None` if the mapping has
/// no on-failure destination.
pub(crate) type TopicEnds = (Arc<dyn TopicConsumer>, Option<Arc<dyn FailureDestination>>);

/// The ends of a topic.
pub(crate) struct TopicPorts {
    consumer: Arc<dyn TopicConsumer>,
    destination: Option<Arc<dyn FailureDestination>>,
    /// Open fetches. A drain ends them: what they would bring is not committed.
    fetches: JoinSet<Input>,
}

impl TopicPorts {
    pub(crate) fn new((consumer, destination): TopicEnds) -> Self {
        Self {
            consumer,
            destination,
            fetches: JoinSet::new(),
        }
    }
}

impl Ports for TopicPorts {
    type Machine = TopicMachine;
    type Ends = TopicEnds;

    /// The consumer is a member of its group, and stays the same.
    fn move_to(&mut self, (_, destination): TopicEnds) {
        self.destination = destination;
    }

    fn carry_out(&mut self, now: Timestamp, action: Action, calls: &mut Calls<TopicMachine>) {
        let consumer = self.consumer.clone();
        match action {
            Action::Fetch { id, request } => {
                self.fetches.spawn(async move {
                    let result = consumer.fetch(request).await;
                    Input::Fetched { id, result }
                });
            }
            Action::Measure => {
                self.fetches.spawn(async move {
                    let result = consumer.watermarks().await;
                    Input::Measured { result }
                });
            }
            Action::Commit { id, offsets } => calls.begin(async move {
                let result = consumer.commit(offsets).await;
                Input::Committed { id, result }
            }),
            Action::LetGo { owned, offset } => calls.begin(async move {
                let offsets = offset.into_iter().collect();
                let result = consumer.let_go(vec![owned], offsets).await;
                Input::LetGo { owned, result }
            }),
            Action::Reserve { turn } => calls.reserve(turn),
            Action::Forgo { turn } => calls.forgo(turn),
            Action::Invoke {
                turn,
                batch,
                attempt,
                payload,
            } => calls.invoke(turn, (batch, attempt), (payload, 0), move |result| {
                Input::Invoked {
                    batch,
                    attempt,
                    result,
                }
            }),
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
            Action::Report(decision) => calls.report(now, decision),
        }
    }

    /// What happens to the group is heard also while the mapping drains.
    async fn next_read(&mut self) -> Option<Input> {
        loop {
            tokio::select! {
                biased;
                event = self.consumer.next_event() => return Some(Input::Group(event)),
                Some(fetched) = self.fetches.join_next() => {
                    // No call panics; what is left is a fetch that was ended.
                    if let Ok(input) = fetched {
                        return Some(input);
                    }
                }
            }
        }
    }

    fn end_reads(&mut self) {
        self.fetches.abort_all();
    }
}
