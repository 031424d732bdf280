//! The vocabulary that the push queue's machine shares with the consumers it steers.

use crate::record::DeliveryTag;

/// How to consume a queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ConsumeRequest {
    /// The most messages that the consumer has at a time without having settled them; at least 1.
    pub prefetch: usize,
}

impl ConsumeRequest {
    /// Returns a request for up to `prefetch` messages at a time.
    #[must_use]
    pub const fn new(prefetch: usize) -> Self {
        Self { prefetch }
    }
}

/// What becomes of a delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeliveryOutcome {
    /// The delivery.
    pub tag: DeliveryTag,
    /// What becomes of it.
    pub outcome: Outcome,
}

/// What becomes of a delivery (AMQP 1.0, "Delivery State"; AMQP 0-9-1, `basic.ack`, `basic.nack`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// It is done with: the broker forgets the message.
    Accepted,
    /// The message goes back to its place in the queue. `failed` tells that the function failed with it, for brokers that
    /// count.
    Released {
        /// Whether the delivery counts as a failed one.
        failed: bool,
    },
    /// Nobody can process it: the broker moves it to where it keeps dead letters, if it has such a place, and else
    /// forgets it.
    Rejected,
}
