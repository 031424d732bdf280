//! Messages of queues.

use super::sqs::SqsMessage;
use crate::setters;

/// A message received from a queue. It stays hidden from other consumers until it is settled or its
/// visibility timeout ends.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct QueueMessage {
    /// The name the function uses for it in `batchItemFailures`; the same on each delivery.
    pub id: String,
    /// The handle that settles this delivery; a new one on each delivery.
    pub receipt: Receipt,
    /// The message group of a FIFO queue. Messages of one group are delivered in order, one batch at a
    /// time.
    pub group: Option<String>,
    /// What the event shows of it.
    pub content: QueueContent,
}

impl QueueMessage {
    /// Returns a message outside any group.
    pub fn new(id: impl Into<String>, receipt: Receipt, content: QueueContent) -> Self {
        Self {
            id: id.into(),
            receipt,
            group: None,
            content,
        }
    }
}

setters!(QueueMessage {
    with_group sets group: Option<String>,
});

/// The handle that settles one delivery of a message (SQS: receipt handle).
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Receipt(pub String);

/// What a message carries, in the terms of its source.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum QueueContent {
    /// A message of an SQS queue.
    Sqs(SqsMessage),
}

impl QueueContent {
    /// Returns the message of an SQS queue; `None` if it is one of another kind.
    #[must_use]
    pub const fn sqs(&self) -> Option<&SqsMessage> {
        let Self::Sqs(message) = self;
        Some(message)
    }

    /// Returns how often the message was received, this time included; `None` if the source does not
    /// say.
    #[must_use]
    pub fn receive_count(&self) -> Option<u32> {
        let Self::Sqs(sqs) = self;
        let mut attributes = sqs.attributes.iter();
        let (_, count) = attributes.find(|(name, _)| name == "ApproximateReceiveCount")?;
        count.parse().ok()
    }
}
