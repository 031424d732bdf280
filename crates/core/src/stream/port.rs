//! The vocabulary that the stream machine shares with the sources it steers.

use std::fmt;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::record::StreamRecord;
use crate::time::Timestamp;

/// Names one shard of a stream: an ordered log of its own.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ShardId(pub Arc<str>);

impl ShardId {
    /// Returns the shard with this name.
    #[must_use]
    pub fn new(name: impl Into<Arc<str>>) -> Self {
        Self(name.into())
    }

    /// Returns the name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for ShardId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, out)
    }
}

impl fmt::Display for ShardId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

/// What a stream says about itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamFacts {
    /// What tells this stream from one made later under the same name, e.g. its creation time. A cursor
    /// in the one means nothing in the other.
    pub identity: String,
    /// How long records stay in the stream (Kinesis: 24 hours to 365 days; DynamoDB: 24 hours); `None`
    /// where the source does not say.
    pub retention: Option<Duration>,
    /// The most records that one fetch returns (Kinesis: 10,000; DynamoDB: 1,000).
    pub fetch_limit: usize,
    /// How often an idle shard is read at the service's pace (Lambda developer guide: once a second for
    /// Kinesis, four times a second for DynamoDB).
    pub base_interval: Duration,
    /// The most fetches of a shard in a second (Kinesis: 5; API reference, `GetRecords`); `None` without
    /// such a quota.
    pub reads_per_second: Option<NonZeroU32>,
    /// Whether the source refuses what goes beyond that, as AWS itself does. Then that holds at every pace, and
    /// else at the service's pace only.
    pub enforces_quota: bool,
    /// The longest time that a fetch waits for records: zero where it answers at once, more where records
    /// are pushed.
    pub longest_wait: Duration,
    /// What arrival times are multiples of, because they are cut down to it (Kinesis: a millisecond; DynamoDB:
    /// a second; DynamoDB Local: a minute). If in doubt, the longest: a record counts as no older than it may
    /// be, and nothing is passed over that may have arrived in time. Finer times correct it. Zero counts as a
    /// millisecond.
    pub arrival_grain: Duration,
}

/// A shard as its stream lists it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shard {
    /// Its name.
    pub id: ShardId,
    /// The shards that were split or merged into it. Those that are listed no more are over.
    pub parents: Vec<ShardId>,
    /// Whether it takes no new records.
    pub closed: bool,
    /// The first and the last hash key that it takes (Kinesis); `None` where the source has none.
    pub hash_keys: Option<(u128, u128)>,
}

/// All shards of a stream at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listing {
    /// What the stream says about itself.
    pub facts: StreamFacts,
    /// Every shard that still holds records, in any order; closed ones too.
    pub shards: Vec<Shard>,
    /// What the source's own clock, that of the arrival times, showed when it answered (of several answers,
    /// the last one), or up to a few seconds less; never more. An HTTP `Date` header says so. `None` where the
    /// source does not tell: then its clock is taken to be the engine's, give or take five minutes.
    pub server_time: Option<Timestamp>,
}

/// Where reading begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Start {
    /// With the oldest record that the shard holds.
    TrimHorizon,
    /// Just after the newest record.
    Latest,
    /// With the first record that shows this arrival time or a later one. A source that cannot look up a
    /// time begins with the oldest record; the machine passes over what is too early.
    Timestamp(Timestamp),
    /// Just after the record with this sequence number.
    After(Arc<str>),
}

impl fmt::Display for Start {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TrimHorizon => out.write_str("the oldest record"),
            Self::Latest => out.write_str("the newest record"),
            Self::Timestamp(time) => write!(out, "the first record since {}", time.iso_millis()),
            Self::After(sequence) => write!(out, "after {sequence}"),
        }
    }
}

/// A place in a shard in the source's own terms (Kinesis and DynamoDB: a shard iterator).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Cursor(pub String);

/// What to read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FetchRequest {
    /// The shard.
    pub shard: ShardId,
    /// Where.
    pub cursor: Cursor,
    /// The most records to return; at least 1.
    pub limit: usize,
    /// How long to wait for the first record. At most [`StreamFacts::longest_wait`].
    pub wait: Duration,
}

/// What a fetch found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// The records in the order of the shard. An aggregated record is one.
    pub records: Vec<StreamRecord>,
    /// Where to read on; `None` if the shard is closed and this was its end.
    pub next: Option<Cursor>,
    /// How far this page is behind the newest record; `None` where the source does not say.
    pub behind: Option<Duration>,
    /// The shards that follow this one, where the source names them at the end.
    pub children: Vec<Shard>,
}
