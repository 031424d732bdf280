//! Records of streams.

use std::borrow::Cow;
use std::sync::Arc;

use bytes::Bytes;

use crate::setters;
use crate::time::Timestamp;

/// A record read from a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct StreamRecord {
    /// Its place in its shard: decimal digits that grow along the shard, or of a change stream its resume token, which is
    /// compared with nothing, since that stream has one shard and one lane. The name that the function uses for it in
    /// `batchItemFailures`.
    pub sequence: Arc<str>,
    /// When it arrived in the stream (Kinesis: `ApproximateArrivalTimestamp`; DynamoDB:
    /// `ApproximateCreationDateTime`).
    pub arrival: Timestamp,
    /// What the event shows of it.
    pub content: StreamContent,
}

impl StreamRecord {
    /// Returns a record.
    pub fn new(sequence: impl Into<Arc<str>>, arrival: Timestamp, content: StreamContent) -> Self {
        Self {
            sequence: sequence.into(),
            arrival,
            content,
        }
    }
}

/// What a stream's record carries, in the terms of its source.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum StreamContent {
    /// A record of a Kinesis stream.
    Kinesis(KinesisRecord),
    /// A record of a DynamoDB stream.
    DynamoDb(Box<DynamoDbRecord>),
    /// A change of a database, as Extended JSON: one object.
    Change(String),
    /// A record of any stream that its source could not make sense of. It is given up, so that it does not
    /// stop the shard.
    Unreadable(Box<Unreadable>),
}

impl StreamContent {
    /// Returns how much data it carries, in bytes.
    #[must_use]
    pub fn size(&self) -> usize {
        match self {
            Self::Kinesis(record) => record.data.len() + record.partition_key.len(),
            Self::DynamoDb(record) => {
                let images = [&record.new_image, &record.old_image];
                let images = images.into_iter().flatten().map(String::len);
                record.keys.len() + images.sum::<usize>()
            }
            Self::Change(change) => change.len(),
            Self::Unreadable(record) => record.json.len(),
        }
    }
}

/// A record that came, but not in the form that its service documents.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Unreadable {
    /// What is wrong with it.
    pub because: String,
    /// The record as it came: one JSON value.
    pub json: String,
}

impl Unreadable {
    /// Returns the record as it came, one JSON value, and what is wrong with it.
    pub fn new(because: impl Into<String>, json: impl Into<String>) -> Self {
        Self {
            because: because.into(),
            json: json.into(),
        }
    }
}

/// What Kinesis returns of a record (Kinesis API reference, `Record`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct KinesisRecord {
    /// Decides the shard, and which records keep their order.
    pub partition_key: Arc<str>,
    /// The data as it was put.
    pub data: Bytes,
}

impl KinesisRecord {
    /// Returns a record with its data as it was put.
    pub fn new(partition_key: impl Into<Arc<str>>, data: impl Into<Bytes>) -> Self {
        Self {
            partition_key: partition_key.into(),
            data: data.into(),
        }
    }
}

/// What DynamoDB Streams returns of a change (DynamoDB Streams API reference, `Record` and
/// `StreamRecord`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct DynamoDbRecord {
    /// A name that is unique in the stream.
    pub event_id: String,
    /// `INSERT`, `MODIFY` or `REMOVE`.
    pub event_name: Cow<'static, str>,
    /// The item's key in DynamoDB JSON: `{"Id":{"N":"101"}}`. Items with the same text keep their order,
    /// so its members must always stand in the same order.
    pub keys: String,
    /// The item after the change in DynamoDB JSON, where the stream's view has it.
    pub new_image: Option<String>,
    /// The item before the change in DynamoDB JSON, where the stream's view has it.
    pub old_image: Option<String>,
    /// The size of the record in bytes, as the service counts.
    pub size_bytes: u64,
    /// `KEYS_ONLY`, `NEW_IMAGE`, `OLD_IMAGE` or `NEW_AND_OLD_IMAGES`.
    pub stream_view_type: Cow<'static, str>,
    /// Who made the change, where it was not a client: deletions by Time to Live (DynamoDB developer
    /// guide, "DynamoDB Streams and Time to Live").
    pub user_identity: Option<UserIdentity>,
}

impl DynamoDbRecord {
    /// Returns a change, `INSERT`, `MODIFY` or `REMOVE`, of the item with this key, without images.
    pub fn new(
        event_id: impl Into<String>,
        event_name: impl Into<Cow<'static, str>>,
        keys: impl Into<String>,
    ) -> Self {
        Self {
            event_id: event_id.into(),
            event_name: event_name.into(),
            keys: keys.into(),
            stream_view_type: Cow::Borrowed("KEYS_ONLY"),
            ..Self::default()
        }
    }
}

setters!(DynamoDbRecord {
    with_new_image sets new_image: Option<String>,
    with_old_image sets old_image: Option<String>,
    with_size_bytes sets size_bytes: u64,
    with_stream_view_type sets stream_view_type: Cow<'static, str>,
    with_user_identity sets user_identity: Option<UserIdentity>,
});

/// A service that changed an item.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct UserIdentity {
    /// `Service`.
    pub kind: String,
    /// `dynamodb.amazonaws.com`.
    pub principal_id: String,
}

impl UserIdentity {
    /// Returns the identity of a kind, e.g. `Service`.
    pub fn new(kind: impl Into<String>, principal_id: impl Into<String>) -> Self {
        Self {
            kind: kind.into(),
            principal_id: principal_id.into(),
        }
    }
}
