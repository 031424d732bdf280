//! A polled record, before it becomes part of an event.

mod digest;
mod kafka;
mod queue;
mod sqs;
mod stream;

pub use kafka::{DecodeFailure, KafkaRecord, Schema, Schemas, TimestampType};
pub use queue::{QueueContent, QueueMessage, Receipt};
pub use sqs::{AttributeValue, MessageAttribute, SqsMessage};
pub use stream::{
    DynamoDbRecord, KinesisRecord, StreamContent, StreamRecord, Unreadable, UserIdentity,
};
