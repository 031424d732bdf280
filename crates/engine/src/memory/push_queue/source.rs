//! The queue itself: what publishers, consumers and tests do with it.

use std::sync::Arc;

use async_trait::async_trait;
use lambda_esm_core::fault::{SourceError, SourceErrorKind};
use lambda_esm_core::mapping::MqEngine;
use lambda_esm_core::record::PushedContent;

use super::broker::Broker;
use super::consumer::{MemoryPushConsumer, Shared};
use super::faults::PushQueueCall;
use super::options::MemoryPushQueueOptions;
use crate::clock::Clock;
use crate::ports::{ConsumeRequest, PushQueueConsumer, PushQueueSource};

/// A queue in memory with the behaviour of those of RabbitMQ or ActiveMQ: competing consumers, prefetch, redelivery to the
/// place in the queue, priorities, expiry, dead letters. Clones share the queue.
///
/// A message whose time is over before it is delivered, and one that is rejected, becomes a dead letter.
#[derive(Clone, Debug)]
pub struct MemoryPushQueue {
    shared: Arc<Shared>,
    engine: MqEngine,
}

impl MemoryPushQueue {
    /// Returns a queue without messages. `clock` is its own: the one of expiry. It need not be the engine's.
    #[must_use]
    pub fn new(clock: Clock, name: impl Into<String>, options: MemoryPushQueueOptions) -> Self {
        Self {
            shared: Arc::new(Shared::new(clock, name.into(), Broker::new(options))),
            engine: options.engine,
        }
    }

    /// Returns the queue's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.shared.name
    }

    /// Publishes a message: a [`RabbitMqMessage`](lambda_esm_core::record::RabbitMqMessage) or an
    /// [`ActiveMqMessage`](lambda_esm_core::record::ActiveMqMessage).
    ///
    /// # Errors
    /// Fails if the message is of another broker than the queue.
    pub fn publish(&self, message: impl Into<PushedContent>) -> Result<(), SourceError> {
        let message = message.into();
        self.shared
            .change(|broker, now| broker.publish(now, message))
    }

    /// Publishes many messages at one time, in their order.
    ///
    /// # Errors
    /// Fails at the first message of another broker; those before it are in the queue.
    pub fn publish_many<M: Into<PushedContent>>(
        &self,
        messages: impl IntoIterator<Item = M>,
    ) -> Result<(), SourceError> {
        self.shared.change(|broker, now| {
            let mut messages = messages.into_iter();
            messages.try_for_each(|message| broker.publish(now, message.into()))
        })
    }

    /// Returns how many messages wait for a consumer.
    #[must_use]
    pub fn ready(&self) -> usize {
        self.shared.change(|_, _| {});
        self.shared.look(|broker, _| broker.ready.len())
    }

    /// Returns how many messages consumers have without having settled them.
    #[must_use]
    pub fn unsettled(&self) -> usize {
        self.shared.look(|broker, _| {
            let consumers = broker.consumers.values();
            consumers.map(|consumer| consumer.unsettled.len()).sum()
        })
    }

    /// Returns how many sessions there are.
    #[must_use]
    pub fn consumers(&self) -> usize {
        self.shared.look(|broker, _| {
            let consumers = broker.consumers.values();
            consumers.filter(|consumer| !consumer.has_ended()).count()
        })
    }

    /// Returns the messages that were rejected or have expired, in that order.
    #[must_use]
    pub fn dead_letters(&self) -> Vec<PushedContent> {
        self.shared.look(|broker, _| broker.dead.clone())
    }

    /// Breaks all connections, as when the broker is restarted: every session ends.
    pub fn break_connections(&self) {
        let error = SourceError::new(SourceErrorKind::Transient, "the connection is broken");
        self.shared.change(|broker, _| broker.end_all(&error));
    }

    /// Cancels all consumers, as a broker does whose queue moves: every session ends, and another may begin.
    pub fn cancel_consumers(&self) {
        let text = "the broker has cancelled the consumer";
        let error = SourceError::new(SourceErrorKind::Transient, text);
        self.shared.change(|broker, _| broker.end_all(&error));
    }

    /// Deletes the queue with its messages: every session ends, and no other can begin until
    /// [`set_problem`](Self::set_problem) is called with `None`.
    pub fn delete(&self) {
        let text = format!("there is no queue {}", self.shared.name);
        let error = SourceError::new(SourceErrorKind::NotFound, text);
        self.shared.change(|broker, _| {
            broker.end_all(&error);
            broker.ready.clear();
            broker.problem = Some(error);
        });
    }

    /// Has every session end, and no other begin, until it is set to `None`.
    pub fn set_problem(&self, problem: Option<SourceError>) {
        self.shared.change(|broker, _| {
            if let Some(problem) = &problem {
                broker.end_all(problem);
            }
            broker.problem = problem;
        });
    }

    /// Has the next `times` calls of a kind fail, after those that are to fail already.
    pub fn fail_next(&self, call: PushQueueCall, times: usize, kind: SourceErrorKind) {
        self.shared
            .look(|broker, _| broker.faults.add(call, times, kind));
    }

    /// Returns how often the queue was called, failed calls included.
    #[must_use]
    pub fn calls(&self, call: PushQueueCall) -> u64 {
        self.shared.look(|broker, _| broker.faults.made(call))
    }
}

#[async_trait]
impl PushQueueSource for MemoryPushQueue {
    fn engine(&self) -> MqEngine {
        self.engine
    }

    async fn consume(
        &self,
        request: ConsumeRequest,
    ) -> Result<Arc<dyn PushQueueConsumer>, SourceError> {
        let id = self.shared.change(|broker, _| {
            broker.faults.meet(PushQueueCall::Consume)?;
            broker.consume(request)
        })?;
        Ok(Arc::new(MemoryPushConsumer {
            shared: self.shared.clone(),
            id,
        }))
    }
}
