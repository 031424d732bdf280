//! A polled record, before it becomes part of an event.

use std::borrow::Cow;
use std::sync::Arc;

use bytes::Bytes;

use crate::time::Timestamp;

/// A message received from a queue. It stays hidden from other consumers until it is settled or its
/// visibility timeout ends.
#[derive(Clone, Debug, PartialEq, Eq)]
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

/// The handle that settles one delivery of a message (SQS: receipt handle).
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Receipt(pub String);

/// What a message carries, in the terms of its source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum QueueContent {
    /// A message of an SQS queue.
    Sqs(SqsMessage),
}

impl QueueContent {
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

/// What SQS returns of a message (SQS API reference, `Message`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SqsMessage {
    /// The body, delivered verbatim.
    pub body: Arc<str>,
    /// The lower-case hexadecimal MD5 of the body.
    pub md5_of_body: Arc<str>,
    /// The lower-case hexadecimal MD5 of the message attributes; absent if there are none.
    pub md5_of_message_attributes: Option<String>,
    /// System attributes in the order received, e.g. `ApproximateReceiveCount`; values are strings.
    pub attributes: Vec<(Cow<'static, str>, String)>,
    /// The sender's attributes by name.
    pub message_attributes: Vec<(String, MessageAttribute)>,
}

/// An attribute that the sender attached to a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MessageAttribute {
    /// `String`, `Number` or `Binary`, with an optional custom suffix such as `Number.int`.
    pub data_type: String,
    /// Its value.
    pub value: AttributeValue,
}

/// The value of a [`MessageAttribute`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AttributeValue {
    /// A string or a number in its textual form.
    Text(String),
    /// Raw bytes; base64 in the event.
    Binary(Vec<u8>),
}

/// A record read from a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamRecord {
    /// Its place in its shard: decimal digits that grow along the shard. The name that the function uses
    /// for it in `batchItemFailures`.
    pub sequence: Arc<str>,
    /// When it arrived in the stream (Kinesis: `ApproximateArrivalTimestamp`; DynamoDB:
    /// `ApproximateCreationDateTime`).
    pub arrival: Timestamp,
    /// What the event shows of it.
    pub content: StreamContent,
}

/// What a stream's record carries, in the terms of its source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StreamContent {
    /// A record of a Kinesis stream.
    Kinesis(KinesisRecord),
    /// A record of a DynamoDB stream.
    DynamoDb(Box<DynamoDbRecord>),
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
            Self::Unreadable(record) => record.json.len(),
        }
    }
}

/// A record that came, but not in the form that its service documents.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unreadable {
    /// What is wrong with it.
    pub because: String,
    /// The record as it came: one JSON value.
    pub json: String,
}

/// What Kinesis returns of a record (Kinesis API reference, `Record`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KinesisRecord {
    /// Decides the shard, and which records keep their order.
    pub partition_key: Arc<str>,
    /// The data as it was put.
    pub data: Bytes,
}

/// What DynamoDB Streams returns of a change (DynamoDB Streams API reference, `Record` and
/// `StreamRecord`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
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

/// A service that changed an item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserIdentity {
    /// `Service`.
    pub kind: String,
    /// `dynamodb.amazonaws.com`.
    pub principal_id: String,
}
