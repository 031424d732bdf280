//! The ports through which the queues of brokers are consumed that push their messages.

use std::sync::Arc;

use async_trait::async_trait;
use lambda_esm_core::fault::SourceError;
use lambda_esm_core::mapping::MqEngine;

pub use lambda_esm_core::push_queue::{ConsumeRequest, DeliveryOutcome, Outcome};
pub use lambda_esm_core::record::{DeliveryTag, PushedMessage};

/// A queue whose broker pushes messages to its consumers, which compete for them.
#[async_trait]
pub trait PushQueueSource: Send + Sync + 'static {
    /// Tells which broker it is: what an event shows, how many invocations run at a time and how often a message is
    /// redelivered follow from that.
    fn engine(&self) -> MqEngine;

    /// Begins a session: connects, and consumes. Tries once, and answers within some seconds.
    ///
    /// Fails with [`NotFound`](lambda_esm_core::fault::SourceErrorKind::NotFound) if there is no such queue, and with
    /// [`Denied`](lambda_esm_core::fault::SourceErrorKind::Denied) if the broker does not let the mapping in.
    async fn consume(
        &self,
        request: ConsumeRequest,
    ) -> Result<Arc<dyn PushQueueConsumer>, SourceError>;
}

/// One session with a broker: a consumer of one queue, until it is closed or dropped, or the connection breaks. What it has
/// not settled then goes back to the queue.
///
/// * Each message is delivered to one consumer at a time, in the order of the queue. One that goes back comes before those
///   that were sent after it.
/// * No more than [`ConsumeRequest::prefetch`] messages are delivered and not settled at a time.
/// * A body and all properties are delivered as they were sent.
#[async_trait]
pub trait PushQueueConsumer: Send + Sync + 'static {
    /// Waits for messages, and returns those that are there: at least one. Cancel safe: the future may be dropped while it
    /// waits, without losing a message. Called by one task at a time.
    ///
    /// An error is the end of the session, and every later call fails, too.
    async fn next(&self) -> Result<Vec<PushedMessage>, SourceError>;

    /// Settles deliveries. They are the consumer's no longer when this returns `Ok`. Where the session ends meanwhile, or
    /// right after, what was accepted may be delivered again.
    async fn settle(&self, outcomes: Vec<DeliveryOutcome>) -> Result<(), SourceError>;

    /// Has the broker deliver no more: when this returns, [`next`](Self::next) brings what had been sent by then, and
    /// then waits for ever. What was delivered can still be settled.
    async fn stop(&self) -> Result<(), SourceError>;

    /// Ends the session: what is not settled goes back to the queue. Waits some seconds at most.
    async fn close(&self);
}
