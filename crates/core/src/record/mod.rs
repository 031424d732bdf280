//! A polled record, before it becomes part of an event.

mod activemq;
mod digest;
mod kafka;
mod push_queue;
mod queue;
mod rabbitmq;
mod sqs;
mod stream;

pub use activemq::{ActiveMqKind, ActiveMqMessage};
pub use kafka::{DecodeFailure, KafkaRecord, Schema, Schemas, TimestampType};
pub use push_queue::{DeliveryTag, PushedContent, PushedMessage};
pub use queue::{QueueContent, QueueMessage, Receipt, SharedRecord};
pub use rabbitmq::{BasicProperties, FieldTable, FieldValue, RabbitMqMessage};
pub use sqs::{AttributeValue, MessageAttribute, SqsMessage};
pub use stream::{
    DynamoDbRecord, KinesisRecord, StreamContent, StreamRecord, Unreadable, UserIdentity,
};
