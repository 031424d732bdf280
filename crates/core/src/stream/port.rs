//! The vocabulary that the stream machine shares with the sources it steers.

use std::fmt;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::fault::SourceError;
use crate::record::StreamRecord;
use crate::setters;
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
#[non_exhaustive]
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

impl StreamFacts {
    /// Returns the facts about a stream that answers at once, is read once a second without a quota, and gives
    /// 1,000 records a fetch, with arrival times to the millisecond.
    pub fn new(identity: impl Into<String>) -> Self {
        Self {
            identity: identity.into(),
            retention: None,
            fetch_limit: 1_000,
            base_interval: Duration::from_secs(1),
            reads_per_second: None,
            enforces_quota: false,
            longest_wait: Duration::ZERO,
            arrival_grain: Duration::from_millis(1),
        }
    }
}

setters!(StreamFacts {
    with_retention sets retention: Option<Duration>,
    with_fetch_limit sets fetch_limit: usize,
    with_base_interval sets base_interval: Duration,
    with_reads_per_second sets reads_per_second: Option<NonZeroU32>,
    with_enforced_quota sets enforces_quota: bool,
    with_longest_wait sets longest_wait: Duration,
    with_arrival_grain sets arrival_grain: Duration,
});

/// A shard as its stream lists it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
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

impl Shard {
    /// Returns an open shard without parents and hash keys.
    #[must_use]
    pub const fn new(id: ShardId) -> Self {
        Self {
            id,
            parents: Vec::new(),
            closed: false,
            hash_keys: None,
        }
    }
}

setters!(Shard {
    with_parents sets parents: Vec<ShardId>,
    with_closed sets closed: bool,
    with_hash_keys sets hash_keys: Option<(u128, u128)>,
});

/// All shards of a stream at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Listing {
    /// What the stream says about itself.
    pub facts: StreamFacts,
    /// Every shard that still holds records, in any order; closed ones too.
    pub shards: Vec<Shard>,
    /// What the source's own clock, that of the arrival times, showed when it answered (of several answers,
    /// the last one), or up to a few seconds less; never more. An HTTP `Date` header says so. `None` where the
    /// source does not tell: then its clock is taken to be the engine's, give or take five minutes.
    pub server_time: Option<Timestamp>,
    /// What is wrong with the stream though it can be read, e.g. that a change stream is of a collection that is not there
    /// yet. The mapping shows it until a listing is without; `None` if all is well.
    pub problem: Option<SourceError>,
}

impl Listing {
    /// Returns what a source says that does not tell its time.
    #[must_use]
    pub const fn new(facts: StreamFacts, shards: Vec<Shard>) -> Self {
        Self {
            facts,
            shards,
            server_time: None,
            problem: None,
        }
    }
}

setters!(Listing {
    with_server_time sets server_time: Option<Timestamp>,
    with_problem sets problem: Option<SourceError>,
});

/// Where reading begins.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
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
#[non_exhaustive]
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

impl FetchRequest {
    /// Returns a request that waits for nothing.
    #[must_use]
    pub const fn new(shard: ShardId, cursor: Cursor, limit: usize) -> Self {
        Self {
            shard,
            cursor,
            limit,
            wait: Duration::ZERO,
        }
    }
}

setters!(FetchRequest {
    with_limit sets limit: usize,
    with_wait sets wait: Duration,
});

/// What a fetch found.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Page {
    /// The records in the order of the shard. An aggregated record is one.
    pub records: Vec<StreamRecord>,
    /// Where to read on; `None` if the shard is closed and this was its end.
    pub next: Option<Cursor>,
    /// How far this page is behind the newest record; `None` where the source does not say.
    pub behind: Option<Duration>,
    /// The shards that follow this one, where the source names them at the end.
    pub children: Vec<Shard>,
    /// A place beyond the records up to which the source has nothing else: reading may go on after it as after a record.
    /// It keeps the position of a source young that is quiet for longer than its places are good. For sources that look up
    /// times only; `None` where that is not told.
    pub read_to: Option<Arc<str>>,
}

impl Page {
    /// Returns a page of a source that does not say how far it is behind, or which shards follow.
    #[must_use]
    pub const fn new(records: Vec<StreamRecord>, next: Option<Cursor>) -> Self {
        Self {
            records,
            next,
            behind: None,
            children: Vec::new(),
            read_to: None,
        }
    }
}

setters!(Page {
    with_behind sets behind: Option<Duration>,
    with_children sets children: Vec<Shard>,
    with_read_to sets read_to: Option<Arc<str>>,
});
