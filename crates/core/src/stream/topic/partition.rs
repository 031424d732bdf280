//! A partition that this process owns.

use std::collections::VecDeque;

use super::port::OwnedPartition;
use super::settled_offsets::SettledOffsets;
use crate::fault::SourceError;
use crate::record::KafkaRecord;
use crate::stream::item::{Item, Ordinal};
use crate::stream::{CallId, ShardId};
use crate::time::Timestamp;

/// One partition.
#[derive(Debug)]
pub(super) struct Partition {
    pub(super) owned: OwnedPartition,
    /// The topic's name and the number, as events and decisions name it.
    pub(super) name: ShardId,
    /// Records of it have this ordinal or a later one; those of earlier assignments have not.
    pub(super) born: Ordinal,
    /// What was read and not drawn.
    pub(super) buffer: VecDeque<KafkaRecord>,
    /// The size of its data.
    pub(super) buffered: usize,
    /// All before this offset was read; `None` before the first page of a partition that begins with its oldest record.
    pub(super) read: Option<i64>,
    pub(super) settled: SettledOffsets,
    /// What the group has; `None` for nothing.
    pub(super) committed: Option<i64>,
    /// What must be committed before more is drawn: a batch has ended.
    pub(super) awaits: Option<i64>,
    /// The lane that has records of it.
    pub(super) lane: Option<usize>,
    /// Whether it stands in the line of those to be drawn from.
    pub(super) queued: bool,
    /// Whether the group has asked for it back.
    pub(super) revoking: bool,
    pub(super) fetching: Option<CallId>,
    /// Before this the source is left alone.
    pub(super) not_before: Option<Timestamp>,
    pub(super) failures: u32,
    /// Why it cannot be read, while that is so.
    pub(super) problem: Option<SourceError>,
    /// The oldest and the next offset of its log, as far as they are known.
    pub(super) log: Option<(i64, i64)>,
    /// Offsets at which nothing was read, from the first up to the second, of which it is not known whether the log has
    /// lost records there.
    pub(super) gap: Option<(i64, i64)>,
}

impl Partition {
    pub(super) fn new(
        owned: OwnedPartition,
        name: ShardId,
        born: Ordinal,
        committed: Option<i64>,
    ) -> Self {
        Self {
            owned,
            name,
            born,
            buffer: VecDeque::new(),
            buffered: 0,
            read: committed,
            settled: SettledOffsets::new(committed.unwrap_or(0)),
            committed,
            awaits: None,
            lane: None,
            queued: false,
            revoking: false,
            fetching: None,
            not_before: None,
            failures: 0,
            problem: None,
            log: None,
            gap: None,
        }
    }

    /// Tells whether a record is of this assignment.
    pub(super) const fn has(&self, item: &Item) -> bool {
        item.place.offset().0 == self.owned.partition && item.ordinal >= self.born
    }

    /// Tells whether more of it may be drawn: what its last batch has settled is committed, and nobody asks for it.
    pub(super) const fn may_be_drawn_from(&self) -> bool {
        self.awaits.is_none() && !self.revoking
    }

    /// Returns what is to be committed: how far it is settled, if that is news.
    pub(super) fn news(&self) -> Option<i64> {
        // A partition that holds nothing yet has no place to commit.
        self.read?;
        let end = self.settled.end();
        (self.committed != Some(end)).then_some(end)
    }

    /// Returns by how much a commit of `offset` moves what is committed.
    pub(super) fn committed_by(&self, offset: i64) -> usize {
        let oldest = || self.log.map_or(offset, |(low, _)| low);
        let before = self.committed.unwrap_or_else(oldest);
        usize::try_from(offset - before).unwrap_or(0)
    }

    /// Returns how many records of the log are not committed, as far as that is known. What the log no longer holds is no
    /// lag.
    pub(super) fn lag(&self) -> Option<i64> {
        let (low, high) = self.log?;
        let committed = self.committed.unwrap_or(low).max(low);
        Some((high - committed).max(0))
    }

    /// Returns the first and the last offset of the gap that the log no longer held, if its oldest offset tells so. Where
    /// it holds them, what is missing is what no consumer sees.
    pub(super) fn expired(&mut self) -> Option<(i64, i64)> {
        let (low, _) = self.log?;
        let (first, end) = self.gap.take()?;
        (low > first).then(|| (first, low.min(end) - 1))
    }

    /// Forgets what was read and not drawn: it counts as not read, so that nothing passes over it.
    pub(super) fn clear_buffer(&mut self) -> usize {
        if let Some(first) = self.buffer.front() {
            self.read = Some(first.offset);
        }
        self.buffer.clear();
        std::mem::take(&mut self.buffered)
    }
}
