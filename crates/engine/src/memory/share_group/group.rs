//! The group itself: what producers and tests do with it.

use std::sync::Arc;

use lambda_esm_core::fault::{SourceError, SourceErrorKind};
use lambda_esm_core::record::KafkaRecord;

use super::member::MemoryShareMember;
use super::options::MemoryShareGroupOptions;
use super::shared::Shared;
use crate::clock::Clock;
use crate::memory::topic::NewRecord;
use crate::memory::topic::partitioner::partition_of;

/// A topic in memory with a share group that behaves as Kafka's: records are delivered in no order to whichever member asks,
/// locked for a while, counted, and delivered again until the group's limit. Clones share the group.
///
/// The group has begun with the topic, so that every record that is put is delivered.
#[derive(Clone, Debug)]
pub struct MemoryShareGroup {
    pub(super) shared: Arc<Shared>,
}

/// How many records of a share group are in each state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ShareGroupCounts {
    /// Nobody has them.
    pub available: u64,
    /// A member has them, and their locks hold.
    pub acquired: u64,
    /// They were processed.
    pub accepted: u64,
    /// They were given up.
    pub rejected: u64,
    /// They were delivered as often as the group does it, and neither accepted nor rejected.
    pub archived: u64,
}

impl MemoryShareGroup {
    /// Returns the group of a topic without records. `clock` is its own: the one of timestamps and locks. It need not be
    /// the engine's.
    #[must_use]
    pub fn new(clock: Clock, topic: impl Into<String>, options: MemoryShareGroupOptions) -> Self {
        let shared = Shared::new(clock, topic.into(), options);
        Self {
            shared: Arc::new(shared),
        }
    }

    /// Returns a new member of the group.
    #[must_use]
    pub fn member(&self) -> MemoryShareMember {
        let (mut inner, _) = self.shared.lock();
        inner.members += 1;
        MemoryShareMember::new(self.shared.clone(), inner.members)
    }

    /// Puts a record into its partition: the one that it names, or that its key belongs to by the rule of Kafka's
    /// producers, or without a key each in turn. Returns the partition and the record's offset.
    ///
    /// # Errors
    /// Fails if the topic has no such partition.
    pub fn put(&self, record: NewRecord) -> Result<(i32, i64), SourceError> {
        let (mut inner, now) = self.shared.lock();
        let partitions = inner.offsets.len();
        let index = match (record.partition, &record.key) {
            (Some(partition), _) => usize::try_from(partition).unwrap_or(usize::MAX),
            (None, Some(key)) => partition_of(key, partitions),
            (None, None) => {
                inner.turn = (inner.turn + 1) % partitions;
                inner.turn
            }
        };
        let (Some(next), Ok(partition)) = (inner.offsets.get_mut(index), i32::try_from(index))
        else {
            let text = format!(
                "partition {} is not there: the topic {} has {partitions}, numbered from 0",
                record.partition.unwrap_or_default(),
                self.shared.topic
            );
            return Err(SourceError::new(SourceErrorKind::NotFound, text));
        };
        let offset = *next;
        *next += 1;
        let made = record.timestamp.unwrap_or(now);
        let record = KafkaRecord::new(offset, made, record.value)
            .with_key(record.key)
            .with_headers(record.headers);
        inner.records.put(partition, record);
        drop(inner);
        self.shared.arrived.notify_one();
        Ok((partition, offset))
    }

    /// Returns how many records are in each state now.
    #[must_use]
    pub fn counts(&self) -> ShareGroupCounts {
        let (inner, _) = self.shared.lock();
        let done = inner.records.done;
        ShareGroupCounts {
            available: inner.records.available() as u64,
            acquired: inner.records.locked() as u64,
            accepted: done.accepted,
            rejected: done.rejected,
            archived: done.archived,
        }
    }

    /// Takes the locks of all records away, as a broker does that has lost its state: they are delivered again, or
    /// archived at their limit.
    pub fn lose_locks(&self) {
        let (mut inner, _) = self.shared.lock();
        inner.records.release_all(None);
        drop(inner);
        self.shared.arrived.notify_one();
    }
}
