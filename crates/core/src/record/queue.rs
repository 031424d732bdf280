//! Messages of queues.

use std::fmt::Write as _;

use super::kafka::KafkaRecord;
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
    /// A record that a share group delivers.
    Kafka(SharedRecord),
}

/// A record of a Kafka topic, as a share group delivers it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SharedRecord {
    /// The partition; the offset is the record's.
    pub partition: i32,
    /// How often it was delivered, this time included: at least 1. After a fail-over of a broker it may be less than it
    /// was (Kafka: `DeliveryCount` of `AcquiredRecords`).
    pub delivery_count: u32,
    /// The record.
    pub record: KafkaRecord,
}

impl SharedRecord {
    /// Returns a record that is delivered for the `delivery_count`-th time.
    #[must_use]
    pub const fn new(partition: i32, delivery_count: u32, record: KafkaRecord) -> Self {
        Self {
            partition,
            delivery_count,
            record,
        }
    }

    /// Returns the name of the record in its topic, which no other has: partition and offset, as in `0-100`.
    #[must_use]
    pub fn id(&self) -> String {
        // For two numbers of up to 11 and 20 digits.
        let mut id = String::with_capacity(32);
        // Writing to a text does not fail.
        write!(id, "{}-{}", self.partition, self.record.offset).ok();
        id
    }
}

impl QueueContent {
    /// Returns the message of an SQS queue; `None` if it is one of another kind.
    #[must_use]
    pub const fn sqs(&self) -> Option<&SqsMessage> {
        match self {
            Self::Sqs(message) => Some(message),
            Self::Kafka(_) => None,
        }
    }

    /// Returns the record that a share group delivers; `None` if it is no such message.
    #[must_use]
    pub const fn kafka(&self) -> Option<&SharedRecord> {
        match self {
            Self::Sqs(_) => None,
            Self::Kafka(shared) => Some(shared),
        }
    }

    /// Returns how many bytes of data it carries.
    #[must_use]
    pub fn size(&self) -> usize {
        match self {
            Self::Sqs(message) => message.body.len(),
            Self::Kafka(shared) => shared.record.size(),
        }
    }

    /// Returns how often the message was received, this time included; `None` if the source does not
    /// say.
    #[must_use]
    pub fn receive_count(&self) -> Option<u32> {
        let sqs = match self {
            Self::Sqs(sqs) => sqs,
            Self::Kafka(shared) => return Some(shared.delivery_count),
        };
        let mut attributes = sqs.attributes.iter();
        let (_, count) = attributes.find(|(name, _)| name == "ApproximateReceiveCount")?;
        count.parse().ok()
    }
}
