//! The vocabulary that the topic machine shares with the consumers it steers.

use std::time::Duration;

use crate::fault::SourceError;
use crate::mapping::StartingPosition;
use crate::record::KafkaRecord;
use crate::setters;

/// Who joins a consumer group, and where it begins.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct JoinRequest {
    /// The group.
    pub group_id: String,
    /// Where a group begins that has committed nothing: see [`beginning`](super::beginning()).
    pub start: StartingPosition,
}

impl JoinRequest {
    /// Returns a request to join `group_id`.
    pub fn new(group_id: impl Into<String>, start: StartingPosition) -> Self {
        Self {
            group_id: group_id.into(),
            start,
        }
    }
}

/// A partition under the epoch in which the consumer owns it.
///
/// Epochs are the consumer's own: each assignment of a partition has a greater one than all before it. What is said
/// under an old one changes nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OwnedPartition {
    /// The partition's number.
    pub partition: i32,
    /// Grows with each assignment.
    pub epoch: u64,
}

/// A partition that the group has assigned to the consumer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Assignment {
    /// The partition, and the epoch that begins.
    pub owned: OwnedPartition,
    /// The offset that the group has committed, and reading goes on at; `None` if nothing is committed.
    pub committed: Option<i64>,
}

impl Assignment {
    /// Returns the assignment of a partition.
    #[must_use]
    pub const fn new(owned: OwnedPartition, committed: Option<i64>) -> Self {
        Self { owned, committed }
    }
}

/// What a consumer hears of its group.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum GroupEvent {
    /// Partitions were assigned, beside those that it has; none if the group has more members than partitions.
    Assigned(Vec<Assignment>),
    /// The group asks for partitions back. They are still owned, and their offsets can be committed, until they are
    /// let go of, or the time is over that the group waits: then they are [`Lost`](Self::Lost).
    Revoking(Vec<OwnedPartition>),
    /// Partitions are owned no more: somebody else may read them already.
    Lost(Vec<OwnedPartition>),
    /// Something is wrong with the cluster, the topic or the credentials. The consumer goes on trying.
    Problem(SourceError),
    /// It is over.
    Recovered,
}

/// What to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TopicFetch {
    /// From where.
    pub owned: OwnedPartition,
    /// The most records.
    pub limit: usize,
    /// About the most data, in bytes: a page may go beyond it by one record.
    pub bytes: usize,
    /// How long to wait for the first record.
    pub wait: Duration,
}

impl TopicFetch {
    /// Returns a fetch of up to `limit` records and about `bytes` bytes, which does not wait.
    #[must_use]
    pub const fn new(owned: OwnedPartition, limit: usize, bytes: usize) -> Self {
        Self {
            owned,
            limit,
            bytes,
            wait: Duration::ZERO,
        }
    }
}

setters!(TopicFetch {
    with_wait sets wait: Duration,
});

/// What a fetch brings.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct TopicPage {
    /// The next records of the partition, in the order of their offsets.
    pub records: Vec<KafkaRecord>,
    /// All records before this offset were delivered, by this page or before: it lies beyond the last one where the log
    /// goes on with what no consumer sees, as the ends of transactions or what was compacted. `None` if that is not known.
    pub position: Option<i64>,
}

impl TopicPage {
    /// Returns a page.
    #[must_use]
    pub const fn new(records: Vec<KafkaRecord>, position: Option<i64>) -> Self {
        Self { records, position }
    }
}

/// How far a partition is settled: the offset of the next record to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PartitionOffset {
    /// The partition.
    pub owned: OwnedPartition,
    /// The offset.
    pub offset: i64,
}

/// What a partition's log holds: the offsets from `low` on, up to and without `high`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Watermarks {
    /// The partition.
    pub partition: i32,
    /// The oldest record's offset.
    pub low: i64,
    /// The offset that the next record will get.
    pub high: i64,
}
