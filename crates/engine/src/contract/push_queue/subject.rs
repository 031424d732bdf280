//! What the contract needs of whoever has queues.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use lambda_esm_core::mapping::MqEngine;

use crate::ports::PushQueueSource;

/// A message that the contract publishes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct MessageToPublish {
    /// The body.
    pub body: Bytes,
    /// Whether ActiveMQ is to have it as a text message; a bytes message otherwise.
    pub is_text: bool,
    /// `correlation_id`, `JMSCorrelationID`.
    pub correlation_id: Option<String>,
    /// `type`, `JMSType`.
    pub kind: Option<String>,
    /// `priority`, `JMSPriority`: 0 to 9.
    pub priority: Option<u8>,
    /// Headers or properties, each a text.
    pub headers: Vec<(String, String)>,
}

impl MessageToPublish {
    /// Returns a text without properties.
    pub(super) fn text(body: impl Into<Bytes>) -> Self {
        Self {
            body: body.into(),
            is_text: true,
            ..Self::default()
        }
    }

    /// Returns bytes without properties.
    pub(super) fn bytes(body: impl Into<Bytes>) -> Self {
        Self {
            is_text: false,
            ..Self::text(body)
        }
    }
}

/// A broker, or what stands for one, on which the contract makes queues of its own.
///
/// What has a default is an ability that not every broker has: it tells by `false` or `None` that nothing was done, and
/// then the promises are not checked that need it.
#[async_trait]
pub trait PushQueueContract: Send + Sync {
    /// Returns which broker it is.
    fn engine(&self) -> MqEngine;

    /// Makes an empty queue without priorities; returns once it can be used.
    async fn make(&self, queue: &str);

    /// Returns a source of the queue, that may be a client of its own each time. The queue need not be there.
    async fn source(&self, queue: &str) -> Arc<dyn PushQueueSource>;

    /// Publishes a persistent message; returns once the queue has it.
    async fn publish(&self, queue: &str, message: MessageToPublish);

    /// Returns how many messages wait in the queue that no consumer has.
    async fn ready(&self, queue: &str) -> usize;

    /// Tells whether the broker counts deliveries that have failed.
    fn counts_failures(&self) -> bool {
        self.engine() == MqEngine::ActiveMq
    }

    /// Returns how many dead letters of the queue there are.
    async fn dead_letters(&self, _queue: &str) -> Option<usize> {
        None
    }

    /// Breaks the connections of all who consume the queue, from the broker's side.
    async fn break_connections(&self, _queue: &str) -> bool {
        false
    }

    /// Deletes the queue with its messages, though it is consumed.
    async fn delete(&self, _queue: &str) -> bool {
        false
    }
}
