//! Records of Kafka topics.

use std::sync::Arc;

use bytes::Bytes;

use crate::on_failure_record::Condition;
use crate::setters;
use crate::time::Timestamp;

/// A record of one partition of a topic.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct KafkaRecord {
    /// Its place in its partition: grows, but not by one where the log is compacted or holds transactions.
    pub offset: i64,
    /// When it was made, or when its broker got it; before the epoch if it has no time.
    pub timestamp: Timestamp,
    /// Which of the two `timestamp` is.
    pub timestamp_type: TimestampType,
    /// The key; `None` for a record without one.
    pub key: Option<Bytes>,
    /// The value; `None` for a tombstone.
    pub value: Option<Bytes>,
    /// Names, which may repeat, and values, which may be null.
    pub headers: Vec<(Arc<str>, Option<Bytes>)>,
    /// What a schema registry says of it; `None` where the mapping has none.
    pub schemas: Option<Box<Schemas>>,
}

/// What a record's timestamp means (Kafka: `message.timestamp.type` of the topic).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum TimestampType {
    /// When its producer made it.
    #[default]
    CreateTime,
    /// When its broker appended it to the log.
    LogAppendTime,
}

/// What a schema registry says of a record.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Schemas {
    /// The schema of the key, if that was decoded.
    pub key: Option<Schema>,
    /// The schema of the value, if that was decoded.
    pub value: Option<Schema>,
    /// What filters see in the place of the value; `None` where that is the value itself.
    pub filtered_by: Option<Bytes>,
    /// Why it cannot be decoded: then it is given up, key and value as they came.
    pub failure: Option<DecodeFailure>,
}

setters!(Schemas {
    with_key sets key: Option<Schema>,
    with_value sets value: Option<Schema>,
    with_filtered_by sets filtered_by: Option<Bytes>,
    with_failure sets failure: Option<DecodeFailure>,
});

/// The schema that a key or a value was decoded with, as the event names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Schema {
    /// `AVRO`, `PROTOBUF` or `JSON`.
    pub data_format: &'static str,
    /// The registry's id of it.
    pub id: Arc<str>,
}

/// Why a record cannot be decoded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DecodeFailure {
    /// [`SchemaNotFound`](Condition::SchemaNotFound) or [`DeserializationError`](Condition::DeserializationError).
    pub condition: Condition,
    /// The cause in words.
    pub because: String,
}

impl KafkaRecord {
    /// Returns a record with neither key nor headers; without a value it is a tombstone.
    pub fn new(offset: i64, timestamp: Timestamp, value: Option<Bytes>) -> Self {
        Self {
            offset,
            timestamp,
            timestamp_type: TimestampType::CreateTime,
            key: None,
            value,
            headers: Vec::new(),
            schemas: None,
        }
    }

    /// Returns how much data it carries, in bytes.
    #[must_use]
    pub fn size(&self) -> usize {
        let length = |bytes: &Option<Bytes>| bytes.as_ref().map_or(0, Bytes::len);
        let headers = self.headers.iter();
        let headers = headers.map(|(name, value)| name.len() + length(value));
        length(&self.key) + length(&self.value) + headers.sum::<usize>()
    }
}

setters!(KafkaRecord {
    with_timestamp_type sets timestamp_type: TimestampType,
    with_key sets key: Option<Bytes>,
    with_headers sets headers: Vec<(Arc<str>, Option<Bytes>)>,
    with_schemas sets schemas: Option<Box<Schemas>>,
});
