//! The vocabulary that the queue machine shares with the sources it steers.

use std::time::Duration;

use crate::record::{QueueMessage, Receipt};
use crate::setters;

/// What a queue says about itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct QueueFacts {
    /// How long a received message stays hidden: its visibility timeout, or of a share group the duration of its lock
    /// (Kafka: `share.record.lock.duration.ms`).
    pub visibility_timeout: Duration,
    /// The most messages that one receive returns (SQS: 10).
    pub receive_limit: usize,
    /// The most settlements that one call takes (SQS: 10).
    pub settle_limit: usize,
    /// The longest wait for a message (SQS: 20 s). A mapping that stops waits as long for its open
    /// receives. A server that stands in for AWS may go on serving a connection whose other end was killed,
    /// and hide the next message for it: there it should be a second.
    pub longest_wait: Duration,
    /// The step in which waits are counted (SQS: 1 s); shorter waits return at once.
    pub wait_step: Duration,
    /// After how many receives the queue moves a message to its dead-letter queue (`maxReceiveCount` of
    /// the redrive policy); `None` without a policy.
    pub max_receive_count: Option<u32>,
    /// After how many deliveries a share group archives a record, which nobody gets any more then: at least 1 (Kafka:
    /// `share.delivery.count.limit`). `None` of a queue that has no such limit.
    pub delivery_limit: Option<u32>,
    /// Whether the lock of a delivery can be [renewed](SettleVerb::Renew) (Kafka: `share.renew.acknowledge.enable`).
    pub can_renew: bool,
}

impl QueueFacts {
    /// Returns the facts about a queue with SQS's own limits and without a redrive policy.
    #[must_use]
    pub const fn new(visibility_timeout: Duration) -> Self {
        Self {
            visibility_timeout,
            receive_limit: 10,
            settle_limit: 10,
            longest_wait: Duration::from_secs(20),
            wait_step: Duration::from_secs(1),
            max_receive_count: None,
            delivery_limit: None,
            can_renew: false,
        }
    }
}

setters!(QueueFacts {
    with_receive_limit sets receive_limit: usize,
    with_settle_limit sets settle_limit: usize,
    with_longest_wait sets longest_wait: Duration,
    with_wait_step sets wait_step: Duration,
    with_max_receive_count sets max_receive_count: Option<u32>,
    with_delivery_limit sets delivery_limit: Option<u32>,
    with_can_renew sets can_renew: bool,
});

/// What to ask of a queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ReceiveRequest {
    /// The most messages to return; at least 1.
    pub max: usize,
    /// How long to wait for the first message.
    pub wait: Duration,
    /// Overrides the queue's visibility timeout for the messages received.
    pub visibility_timeout: Option<Duration>,
}

impl ReceiveRequest {
    /// Returns a request that leaves the queue's own visibility timeout as it is.
    #[must_use]
    pub const fn new(max: usize, wait: Duration) -> Self {
        Self {
            max,
            wait,
            visibility_timeout: None,
        }
    }
}

setters!(ReceiveRequest {
    with_max sets max: usize,
    with_wait sets wait: Duration,
    with_visibility_timeout sets visibility_timeout: Option<Duration>,
});

/// What a receive brought.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Received {
    /// The messages.
    pub messages: Vec<QueueMessage>,
    /// What else came, and is in no form in which it could be delivered or settled. It stays in the queue,
    /// hidden until its visibility timeout ends, and goes the way of the queue's redrive policy.
    pub unreadable: Vec<UnreadableMessage>,
}

impl From<Vec<QueueMessage>> for Received {
    fn from(messages: Vec<QueueMessage>) -> Self {
        Self {
            messages,
            unreadable: Vec::new(),
        }
    }
}

setters!(Received {
    with_unreadable sets unreadable: Vec<UnreadableMessage>,
});

/// A message that the source could not make sense of.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct UnreadableMessage {
    /// Its id; empty if it has none.
    pub id: String,
    /// What is wrong with it, in words.
    pub because: String,
}

impl UnreadableMessage {
    /// Returns what is known of the message.
    pub fn new(id: impl Into<String>, because: impl Into<String>) -> Self {
        Self {
            id: id.into(),
            because: because.into(),
        }
    }
}

/// What to do with one delivery.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Settlement {
    /// The delivery.
    pub receipt: Receipt,
    /// The deed.
    pub verb: SettleVerb,
}

impl Settlement {
    /// Returns the deed for a delivery.
    #[must_use]
    pub const fn new(receipt: Receipt, verb: SettleVerb) -> Self {
        Self { receipt, verb }
    }
}

/// How a delivery ends, or that it goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum SettleVerb {
    /// The message is done: remove it from the queue. Of a share group: accept the record.
    Delete,
    /// The message is to be delivered again: make it visible at once. A share group archives one that it has delivered
    /// as often as its [limit](QueueFacts::delivery_limit) says.
    Release,
    /// The record is given up: archive it, and deliver it to nobody any more. Only of a share group; the machine asks
    /// no other queue for it.
    Reject,
    /// The delivery is still at work: its lock begins anew, as long as [`QueueFacts::visibility_timeout`], and the
    /// receipt stays good. Asked for only where the [facts](QueueFacts::can_renew) allow it.
    Renew,
}
