//! The form of a recording: lines of JSON. The first one is the header, each of the others a record.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// The version of the form that is written and read.
pub const VERSION: u32 = 1;

/// The first line: what was recorded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// The [version](VERSION) of the form.
    pub recording: u32,
    /// What the source is.
    pub kind: RecordedKind,
    /// Its ARN, or the bootstrap servers of a self-managed cluster of Kafka.
    pub source: String,
    /// The topic of Kafka or the queue of Amazon MQ, which no ARN names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The function of the mapping that read it.
    pub function: String,
    /// When the recording began, in UTC.
    pub began: String,
    /// The same in milliseconds since the epoch.
    pub began_ms: i64,
    /// Whether records are there, or only when they came, under which key and how large.
    pub payloads: bool,
    /// What was redacted: paths as filters name them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub redacted: Vec<String>,
}

/// The kinds of source that can be recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RecordedKind {
    /// A standard queue of SQS.
    Sqs,
    /// A FIFO queue of SQS.
    #[serde(rename = "sqs-fifo")]
    SqsFifo,
    /// A stream of Kinesis.
    Kinesis,
    /// The stream of a table of DynamoDB.
    DynamoDb,
    /// A topic of Kafka.
    Kafka,
    /// A queue of RabbitMQ.
    RabbitMq,
    /// A queue of ActiveMQ.
    ActiveMq,
    /// The change stream of DocumentDB.
    DocumentDb,
}

/// A line after the first: one record, at its first delivery.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Line {
    /// When it was delivered, in milliseconds since the recording began.
    pub at: u64,
    /// When it arrived at the source by the source's own clock, in milliseconds since the recording began; before 0 if
    /// it was there already. `None` where the source does not tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arrived: Option<i64>,
    /// The shard, or the number of the partition.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shard: Option<String>,
    /// The message group, partition key, item or key (Base64 where it is no text); a pseudonym where that is not to be
    /// shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// The size of what it carries, in bytes.
    pub size: usize,
    /// The record as the function's event shows it; `None` if payloads are left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub record: Option<Box<RawValue>>,
}

/// The last line of a recording that has ended before its source.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct End {
    /// Why.
    pub(super) end: String,
}
