//! One shard: its records and how it came about.

use std::collections::VecDeque;
use std::time::Duration;

use lambda_esm_core::Timestamp;
use lambda_esm_core::record::{StreamContent, StreamRecord};

use super::iterator::Lineage;
use super::options::StreamKind;
use crate::ports::{Shard, ShardId};

/// The first and the last hash key of a shard.
pub(super) type HashKeys = (u128, u128);

#[derive(Debug)]
pub(super) struct ShardLog {
    pub(super) id: ShardId,
    pub(super) lineage: Lineage,
    pub(super) parents: Vec<ShardId>,
    pub(super) children: Vec<ShardId>,
    pub(super) hash_keys: HashKeys,
    pub(super) closed: Option<Timestamp>,
    /// The index of the oldest record that is left.
    first: u64,
    records: VecDeque<Kept>,
}

/// A record; its sequence number is written each time that it is read, since many are kept longer than they are read.
#[derive(Debug)]
struct Kept {
    arrival: Timestamp,
    content: StreamContent,
}

impl ShardLog {
    pub(super) const fn new(
        id: ShardId,
        lineage: Lineage,
        parents: Vec<ShardId>,
        hash_keys: HashKeys,
    ) -> Self {
        Self {
            id,
            lineage,
            parents,
            children: Vec::new(),
            hash_keys,
            closed: None,
            first: 0,
            records: VecDeque::new(),
        }
    }

    /// Returns the index of the oldest record that is left.
    pub(super) const fn first(&self) -> u64 {
        self.first
    }

    /// Returns the index of the record that comes next.
    pub(super) fn end(&self) -> u64 {
        self.first + self.records.len() as u64
    }

    /// Returns the index of the first record that arrived at `time` or later.
    pub(super) fn since(&self, time: Timestamp) -> u64 {
        let earlier = self.records.partition_point(|record| record.arrival < time);
        self.first + earlier as u64
    }

    /// Adds a record, and returns its index.
    pub(super) fn push(&mut self, arrival: Timestamp, content: StreamContent) -> u64 {
        let index = self.end();
        self.records.push_back(Kept { arrival, content });
        index
    }

    /// Returns when the record at `index` arrived, if it is there.
    pub(super) fn arrival(&self, index: u64) -> Option<Timestamp> {
        let at = usize::try_from(index.checked_sub(self.first)?).ok()?;
        Some(self.records.get(at)?.arrival)
    }

    /// Returns the records from `index` on: at most `limit`, and no more after `bytes` are reached, but
    /// one at least.
    pub(super) fn read(
        &self,
        kind: StreamKind,
        index: u64,
        limit: usize,
        bytes: usize,
    ) -> Vec<StreamRecord> {
        let skipped = usize::try_from(index.saturating_sub(self.first)).unwrap_or(usize::MAX);
        let skipped = skipped.min(self.records.len());
        let mut found = Vec::with_capacity(limit.min(self.records.len() - skipped));
        let mut left = bytes;
        let first = self.first + skipped as u64;
        for (index, kept) in (first..).zip(self.records.range(skipped..).take(limit)) {
            let size = kept.content.size();
            if size > left && !found.is_empty() {
                break;
            }
            left = left.saturating_sub(size);
            let sequence = self.lineage.sequence(kind, index);
            found.push(StreamRecord::new(
                sequence,
                kept.arrival,
                kept.content.clone(),
            ));
        }
        found
    }

    /// Drops the records that have reached the age of `retention`.
    pub(super) fn trim(&mut self, now: Timestamp, retention: Duration) {
        while let Some(oldest) = self.records.front()
            && now.since(oldest.arrival) >= retention
        {
            self.records.pop_front();
            self.first += 1;
        }
    }

    pub(super) fn drop_before(&mut self, index: u64) {
        while self.first < index && self.records.pop_front().is_some() {
            self.first += 1;
        }
    }

    /// Tells whether all that the shard can ever have held is trimmed.
    pub(super) fn is_over(&self, now: Timestamp, retention: Duration) -> bool {
        self.closed
            .is_some_and(|closed| now.since(closed) >= retention)
    }

    /// Returns the shard as the stream lists it.
    pub(super) fn listed(&self, kind: StreamKind) -> Shard {
        Shard::new(self.id.clone())
            .with_parents(self.parents.clone())
            .with_closed(self.closed.is_some())
            .with_hash_keys((kind == StreamKind::Kinesis).then_some(self.hash_keys))
    }
}
