//! How a push queue machine's actions are carried out.

use std::sync::Arc;

use lambda_esm_core::Timestamp;
use lambda_esm_core::fault::{SourceError, SourceErrorKind};
use lambda_esm_core::push_queue::{Action, Input, PushQueueMachine};
use lambda_esm_core::stream::CallId;
use tokio::task::JoinSet;

use super::calls::Calls;
use super::event_loop::Ports;
use crate::ports::{PushQueueConsumer, PushQueueSource};

/// A session that is being begun, with its name.
type Begun = (CallId, Result<Arc<dyn PushQueueConsumer>, SourceError>);

/// Where messages come from: the queue, and the session that consumes it.
pub(crate) struct PushQueuePorts {
    source: Arc<dyn PushQueueSource>,
    connecting: JoinSet<Begun>,
    session: Option<(CallId, Arc<dyn PushQueueConsumer>)>,
    /// Whether the machine waits for messages.
    reads: bool,
}

impl PushQueuePorts {
    pub(crate) fn new(source: Arc<dyn PushQueueSource>) -> Self {
        Self {
            source,
            connecting: JoinSet::new(),
            session: None,
            reads: false,
        }
    }

    /// Returns the consumer of the session of this name.
    fn consumer(&self, session: CallId) -> Result<Arc<dyn PushQueueConsumer>, SourceError> {
        match &self.session {
            Some((id, consumer)) if *id == session => Ok(consumer.clone()),
            _ => {
                let text = "the session is over";
                Err(SourceError::new(SourceErrorKind::Expired, text))
            }
        }
    }
}

impl Ports for PushQueuePorts {
    type Machine = PushQueueMachine;
    type Ends = Arc<dyn PushQueueSource>;

    /// The next session is one with the queue that was found last.
    fn move_to(&mut self, source: Arc<dyn PushQueueSource>) {
        self.source = source;
    }

    fn carry_out(&mut self, now: Timestamp, action: Action, calls: &mut Calls<PushQueueMachine>) {
        match action {
            Action::Connect { id, request } => {
                let source = self.source.clone();
                self.connecting
                    .spawn(async move { (id, source.consume(request).await) });
            }
            Action::Read { session } => self.reads = self.consumer(session).is_ok(),
            Action::Settle {
                id,
                session,
                outcomes,
            } => {
                let consumer = self.consumer(session);
                calls.begin(async move {
                    let result = match consumer {
                        Ok(consumer) => consumer.settle(outcomes).await,
                        Err(error) => Err(error),
                    };
                    Input::Settled { id, result }
                });
            }
            Action::Stop { id, session } => {
                let consumer = self.consumer(session);
                calls.begin(async move {
                    let result = match consumer {
                        Ok(consumer) => consumer.stop().await,
                        Err(error) => Err(error),
                    };
                    Input::Stopped { id, result }
                });
            }
            Action::Close { id, session } => {
                let consumer = self.consumer(session);
                self.session = None;
                self.reads = false;
                calls.begin(async move {
                    if let Ok(consumer) = consumer {
                        consumer.close().await;
                    }
                    Input::Closed { id }
                });
            }
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
            Action::Report(decision) => calls.report(now, decision),
        }
    }

    async fn next_read(&mut self) -> Option<Input> {
        if let Some((session, consumer)) = self.session.as_ref().filter(|_| self.reads) {
            let result = consumer.next().await;
            self.reads = false;
            let session = *session;
            return Some(Input::Received { session, result });
        }
        loop {
            // No call panics; what is left is a task that ended with the runtime.
            if let Ok((id, begun)) = self.connecting.join_next().await? {
                let result = begun.map(|consumer| self.session = Some((id, consumer)));
                return Some(Input::Connected { id, result });
            }
        }
    }

    /// A session goes on until what the function has is settled. What comes meanwhile is given back.
    fn end_reads(&mut self) {}
}
