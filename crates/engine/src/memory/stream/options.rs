//! What an in-memory stream is like.

use std::num::NonZeroU32;
use std::time::Duration;

use lambda_esm_core::{Timestamp, setters};

use crate::ports::StreamFacts;

/// Which service a stream behaves like.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum StreamKind {
    /// Kinesis: the MD5 digest of a partition key decides the shard; shards are split and merged, and name
    /// their children at their end.
    Kinesis,
    /// DynamoDB Streams: the key of an item decides the shard; shards roll over into one child or split into
    /// two, and name nobody at their end.
    DynamoDb,
    /// The change stream of a database of DocumentDB: one shard, which has all changes and has no end.
    DocumentDb,
}

/// Properties of a [`MemoryStream`](super::MemoryStream).
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct MemoryStreamOptions {
    /// The service whose rules hold.
    pub kind: StreamKind,
    /// How many shards there are at first; at least 1. A change stream has one, whatever this says.
    pub shards: usize,
    /// The age at which a record is trimmed: 24 hours are both services' default.
    pub retention: Duration,
    /// How long a cursor can be fetched after it was given out (Kinesis API reference,
    /// `GetShardIterator`: 5 minutes; DynamoDB: 15 minutes).
    pub iterator_lifetime: Duration,
    /// The most records that one fetch returns (Kinesis: 10,000; DynamoDB: 1,000).
    pub fetch_limit: usize,
    /// The most bytes of data and keys that one fetch returns, a single larger record aside (API
    /// references, `GetRecords`: Kinesis 10 MB; DynamoDB 1 MB).
    pub fetch_bytes: usize,
    /// What the stream says of the pace of the service; see [`StreamFacts::base_interval`].
    pub base_interval: Duration,
    /// What the stream says of its quota; see [`StreamFacts::reads_per_second`]. It is not enforced.
    pub reads_per_second: Option<NonZeroU32>,
    /// What arrival times are cut down to multiples of, as [`StreamFacts::arrival_grain`] says (Kinesis: a
    /// millisecond; DynamoDB: a second).
    pub arrival_grain: Duration,
    /// Whether a listing tells the time of the stream's clock.
    pub tells_time: bool,
}

impl MemoryStreamOptions {
    /// Returns the properties of a Kinesis stream with one shard.
    #[must_use]
    pub const fn kinesis() -> Self {
        Self {
            kind: StreamKind::Kinesis,
            shards: 1,
            retention: Duration::from_secs(24 * 60 * 60),
            iterator_lifetime: Duration::from_secs(5 * 60),
            fetch_limit: 10_000,
            fetch_bytes: 10 * 1024 * 1024,
            base_interval: Duration::from_secs(1),
            reads_per_second: NonZeroU32::new(5),
            arrival_grain: Duration::from_millis(1),
            tells_time: true,
        }
    }

    /// Returns the properties of a DynamoDB stream with one shard.
    #[must_use]
    pub const fn dynamo_db() -> Self {
        Self {
            kind: StreamKind::DynamoDb,
            iterator_lifetime: Duration::from_secs(15 * 60),
            fetch_limit: 1_000,
            fetch_bytes: 1024 * 1024,
            base_interval: Duration::from_millis(250),
            reads_per_second: None,
            arrival_grain: Duration::from_secs(1),
            ..Self::kinesis()
        }
    }

    /// Returns the properties of a change stream of DocumentDB. Its changes stay for three hours, and its cursors for as
    /// long.
    #[must_use]
    pub const fn document_db() -> Self {
        let retention = Duration::from_secs(3 * 60 * 60);
        Self {
            kind: StreamKind::DocumentDb,
            retention,
            iterator_lifetime: retention,
            fetch_limit: 1_000,
            fetch_bytes: 16 * 1024 * 1024,
            base_interval: Duration::from_secs(1),
            reads_per_second: None,
            arrival_grain: Duration::from_secs(1),
            ..Self::kinesis()
        }
    }

    /// Returns the arrival time of a record that is put now.
    pub(super) fn arrival(&self, now: Timestamp) -> Timestamp {
        let grain = i64::try_from(self.arrival_grain.as_millis()).unwrap_or(i64::MAX);
        Timestamp(now.0 - now.0.rem_euclid(grain.max(1)))
    }

    pub(super) fn facts(&self, identity: String) -> StreamFacts {
        StreamFacts::new(identity)
            .with_retention(Some(self.retention))
            .with_fetch_limit(self.fetch_limit)
            .with_base_interval(self.base_interval)
            .with_reads_per_second(self.reads_per_second)
            .with_arrival_grain(self.arrival_grain)
    }
}

setters!(MemoryStreamOptions {
    with_shards sets shards: usize,
    with_retention sets retention: Duration,
    with_iterator_lifetime sets iterator_lifetime: Duration,
    with_fetch_limit sets fetch_limit: usize,
    with_fetch_bytes sets fetch_bytes: usize,
    with_base_interval sets base_interval: Duration,
    with_reads_per_second sets reads_per_second: Option<NonZeroU32>,
    with_arrival_grain sets arrival_grain: Duration,
    with_time_told sets tells_time: bool,
});

impl Default for MemoryStreamOptions {
    fn default() -> Self {
        Self::kinesis()
    }
}
