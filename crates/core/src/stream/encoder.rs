//! How the records of a stream become event fragments.

use bytes::Bytes;

use super::item::Item;
use super::port::ShardId;
use crate::batching::Batch;
use crate::event::RECORDS;
use crate::event::documentdb::DocumentDbEncoder;
use crate::event::dynamodb::DynamoDbEncoder;
use crate::event::kafka::KafkaEncoder;
use crate::event::kinesis::KinesisEncoder;
use crate::event::mq::MqEncoder;
use crate::record::{StreamContent, StreamRecord};

/// Writes the events of one kind of stream.
#[derive(Clone, Debug)]
pub enum StreamEncoder {
    /// Kinesis events.
    Kinesis(KinesisEncoder),
    /// DynamoDB events.
    DynamoDb(DynamoDbEncoder),
    /// DocumentDB events.
    DocumentDb(DocumentDbEncoder),
    /// Kafka events, whose records are written as they are drawn.
    Kafka(KafkaEncoder),
    /// Events of Amazon MQ, whose messages are written as they are drawn.
    Mq(MqEncoder),
}

impl StreamEncoder {
    /// Returns the member of an event's record that filters see decoded.
    pub(super) const fn data_key(&self) -> &'static str {
        match self {
            Self::Kinesis(_) | Self::Mq(_) => "data",
            Self::DynamoDb(_) => "dynamodb",
            Self::DocumentDb(_) => "event",
            Self::Kafka(_) => "value",
        }
    }

    /// Returns how many bytes more than in a batch stand around the fragments of an event.
    pub(super) const fn envelope_overhead(&self) -> usize {
        match self {
            Self::DocumentDb(encoder) => {
                let envelope = RECORDS.prefix.len() + RECORDS.suffix.len();
                encoder.envelope_bytes().saturating_sub(envelope)
            }
            Self::Kinesis(_) | Self::DynamoDb(_) | Self::Kafka(_) | Self::Mq(_) => 0,
        }
    }

    /// Appends the event fragment of a record. `change` is its `dynamodb` object, if it has one. Returns how many bytes of it
    /// are counted and [not written](crate::event::EventDetail).
    pub(super) fn write(
        &self,
        out: &mut Vec<u8>,
        shard: &ShardId,
        record: &StreamRecord,
        change: &[u8],
    ) -> usize {
        match (self, &record.content) {
            (Self::Kinesis(encoder), StreamContent::Kinesis(kinesis)) => {
                return encoder.write_in_detail(
                    out,
                    shard,
                    &record.sequence,
                    record.arrival,
                    kinesis,
                );
            }
            (Self::DynamoDb(encoder), StreamContent::DynamoDb(dynamodb)) => {
                encoder.write(out, dynamodb, change);
            }
            (Self::DocumentDb(encoder), StreamContent::Change(change)) => {
                encoder.write(out, change);
            }
            // A source that yields another kind of record than its mapping says.
            _ => out.extend_from_slice(b"null"),
        }
        0
    }

    /// Appends what filters see of a record beside its data.
    pub(super) fn write_metadata(&self, out: &mut Vec<u8>, shard: &ShardId, record: &StreamRecord) {
        match (self, &record.content) {
            (Self::Kinesis(encoder), StreamContent::Kinesis(kinesis)) => {
                encoder.write_metadata(out, shard, &record.sequence, record.arrival, kinesis);
            }
            (Self::DynamoDb(encoder), StreamContent::DynamoDb(dynamodb)) => {
                encoder.write_metadata(out, dynamodb);
            }
            _ => out.extend_from_slice(b"{}"),
        }
    }

    /// Writes the `dynamodb` object of a record in place of what `out` holds; nothing for one that has none.
    pub(super) fn write_change(&self, out: &mut Vec<u8>, record: &StreamRecord) {
        out.clear();
        if let (Self::DynamoDb(encoder), StreamContent::DynamoDb(dynamodb)) =
            (self, &record.content)
        {
            encoder.write_change(out, &record.sequence, record.arrival, dynamodb);
        }
    }

    /// Returns the event of a batch.
    pub(super) fn event(&self, batch: &Batch<Item>) -> Bytes {
        match self {
            Self::Kafka(encoder) => {
                let partitions = batch.items.iter().map(|item| item.place.offset().0);
                encoder.event(partitions.zip(batch.each_fragment()))
            }
            Self::Mq(encoder) => encoder.event(batch.each_fragment()),
            Self::DocumentDb(encoder) => encoder.event(batch.each_fragment()),
            Self::Kinesis(_) | Self::DynamoDb(_) => batch.payload(),
        }
    }
}
