//! Which records an event has: found by the key of their identifiers, without reading the event as JSON.

use std::ops::Range;
use std::sync::LazyLock;

use memchr::memmem::Finder;

use crate::scenario::SourceKind;

/// A record of a source: the shard, partition or other lane that it is in, and its place there, 0 for the first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RecordId {
    /// The number of the lane.
    pub lane: u32,
    /// The place in it.
    pub index: u64,
}

/// How an event names a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NamedRecord<'e> {
    /// By a text: a message ID, a sequence number, a resume token.
    Text(&'e str),
    /// By its place in a topic.
    Offset {
        /// The partition.
        partition: i32,
        /// The offset.
        offset: i64,
    },
}

/// Knows the records of sources by the names that events and decisions give them.
pub trait Identity: Send + Sync {
    /// Returns the record of a source, by its place among the sources; `None` if there is no such record.
    fn record(&self, source: usize, name: NamedRecord<'_>) -> Option<RecordId>;

    /// Returns the lane of a shard; `None` if that is not known.
    fn lane(&self, source: usize, shard: &str) -> Option<u32> {
        let _ = (source, shard);
        None
    }
}

/// What a source is, as far as events differ by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SourceType {
    /// SQS.
    Sqs,
    /// Kinesis.
    Kinesis,
    /// DynamoDB Streams.
    DynamoDb,
    /// Kafka.
    Kafka,
    /// RabbitMQ.
    RabbitMq,
    /// ActiveMQ.
    ActiveMq,
    /// DocumentDB.
    DocumentDb,
}

impl SourceType {
    /// Returns its name in reports.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sqs => "sqs",
            Self::Kinesis => "kinesis",
            Self::DynamoDb => "dynamodb",
            Self::Kafka => "kafka",
            Self::RabbitMq => "rabbitmq",
            Self::ActiveMq => "activemq",
            Self::DocumentDb => "documentdb",
        }
    }

    /// Tells whether mappings take messages from each other, instead of each reading all.
    #[must_use]
    pub const fn is_shared(self) -> bool {
        matches!(self, Self::Sqs | Self::RabbitMq | Self::ActiveMq)
    }
}

/// Returns what a source is.
pub(crate) const fn kind_of(kind: &SourceKind) -> SourceType {
    match kind {
        SourceKind::Sqs { .. } => SourceType::Sqs,
        SourceKind::Kinesis { .. } => SourceType::Kinesis,
        SourceKind::DynamoDb { .. } => SourceType::DynamoDb,
        SourceKind::Kafka { .. } => SourceType::Kafka,
        SourceKind::RabbitMq { .. } => SourceType::RabbitMq,
        SourceKind::ActiveMq => SourceType::ActiveMq,
        SourceKind::DocumentDb => SourceType::DocumentDb,
    }
}

/// What stands before an identifier. Within a string of JSON none of them can stand, since quotation marks are escaped there.
struct Keys {
    sqs: Finder<'static>,
    kinesis: Finder<'static>,
    dynamodb: Finder<'static>,
    kafka: Finder<'static>,
    rabbitmq: Finder<'static>,
    activemq: Finder<'static>,
    documentdb: Finder<'static>,
}

static KEYS: LazyLock<Keys> = LazyLock::new(|| Keys {
    sqs: Finder::new("{\"messageId\":\""),
    kinesis: Finder::new("\"sequenceNumber\":\""),
    dynamodb: Finder::new("\"SequenceNumber\":\""),
    kafka: Finder::new("\"partition\":"),
    rabbitmq: Finder::new(",\"messageId\":\""),
    activemq: Finder::new("{\"messageID\":\""),
    documentdb: Finder::new("{\"event\":{\"_id\":{\"_data\":\""),
});

/// Returns what stands before the identifiers of such a source.
fn key_of(kind: SourceType) -> &'static Finder<'static> {
    let keys = &*KEYS;
    match kind {
        SourceType::Sqs => &keys.sqs,
        SourceType::Kinesis => &keys.kinesis,
        SourceType::DynamoDb => &keys.dynamodb,
        SourceType::Kafka => &keys.kafka,
        SourceType::RabbitMq => &keys.rabbitmq,
        SourceType::ActiveMq => &keys.activemq,
        SourceType::DocumentDb => &keys.documentdb,
    }
}

/// Returns how many records an event has.
pub(crate) fn count_records(kind: SourceType, event: &[u8]) -> u64 {
    key_of(kind).find_iter(event).count() as u64
}

/// Tells `found` of the records of an event, in their order.
pub(crate) fn find_records<'e>(
    kind: SourceType,
    event: &'e [u8],
    mut found: impl FnMut(NamedRecord<'e>),
) {
    let key = key_of(kind);
    let mut rest = event;
    while let Some(at) = key.find(rest) {
        rest = rest.get(at + key.needle().len()..).unwrap_or_default();
        if kind == SourceType::Kafka {
            if let Some(place) = offset(rest) {
                found(place);
            }
            continue;
        }
        let Some(end) = memchr::memchr(b'"', rest) else {
            return;
        };
        if let Some(text) = text(rest, 0..end) {
            found(NamedRecord::Text(text));
        }
        rest = rest.get(end..).unwrap_or_default();
    }
}

fn text(bytes: &[u8], range: Range<usize>) -> Option<&str> {
    std::str::from_utf8(bytes.get(range)?).ok()
}

/// Reads a place in a topic: `3,"offset":17`.
fn offset<'e>(bytes: &[u8]) -> Option<NamedRecord<'e>> {
    const BETWEEN: &[u8] = b",\"offset\":";
    let (partition, rest) = number(bytes)?;
    let (offset, _) = number(rest.strip_prefix(BETWEEN)?)?;
    Some(NamedRecord::Offset {
        partition: i32::try_from(partition).ok()?,
        offset,
    })
}

fn number(bytes: &[u8]) -> Option<(i64, &[u8])> {
    let digits = bytes
        .iter()
        .take_while(|byte| byte.is_ascii_digit())
        .count();
    let (digits, rest) = bytes.split_at_checked(digits)?;
    Some((std::str::from_utf8(digits).ok()?.parse().ok()?, rest))
}
