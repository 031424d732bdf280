//! The log of one partition.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use bytes::Bytes;
use lambda_esm_core::Timestamp;

use crate::ports::{TopicPage, Watermarks};
use lambda_esm_core::record::KafkaRecord;

/// What compaction does with the records that say that there is nothing under their key any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Tombstones {
    /// They stay, as long as they are the newest of their key (Kafka: within `delete.retention.ms`).
    Kept,
    /// They go, too.
    Dropped,
}

/// Records by their offsets, which have gaps where the log was compacted or transactions ended.
#[derive(Debug, Default)]
pub(super) struct PartitionLog {
    records: VecDeque<KafkaRecord>,
    low: i64,
    high: i64,
}

impl PartitionLog {
    /// Appends a record, which gets the next offset.
    pub(super) fn append(&mut self, mut record: KafkaRecord) -> i64 {
        record.offset = self.mark();
        let offset = record.offset;
        self.records.push_back(record);
        offset
    }

    /// Takes the next offset for what no consumer sees.
    pub(super) const fn mark(&mut self) -> i64 {
        self.high += 1;
        self.high - 1
    }

    /// Deletes all that is before an offset.
    pub(super) fn delete_before(&mut self, offset: i64) {
        self.low = offset.clamp(self.low, self.high);
        while self
            .records
            .front()
            .is_some_and(|oldest| oldest.offset < self.low)
        {
            self.records.pop_front();
        }
    }

    /// Deletes the oldest records, as long as they have reached the age of `retention`.
    pub(super) fn trim(&mut self, now: Timestamp, retention: Duration) {
        while let Some(oldest) = self.records.front()
            && now.since(oldest.timestamp) >= retention
        {
            self.delete_before(oldest.offset + 1);
        }
    }

    /// Keeps the newest record of each key, and those without one.
    pub(super) fn compact(&mut self, tombstones: Tombstones) {
        let newest: HashMap<Bytes, i64> = self
            .records
            .iter()
            .filter_map(|record| Some((record.key.clone()?, record.offset)))
            .collect();
        self.records.retain(|record| match &record.key {
            None => true,
            Some(key) => {
                let dropped = record.value.is_none() && tombstones == Tombstones::Dropped;
                newest.get(key) == Some(&record.offset) && !dropped
            }
        });
    }

    /// Returns where reading goes on that wants to go on at `offset`: with the oldest record, if the log does not hold
    /// that place.
    pub(super) fn place(&self, offset: i64) -> i64 {
        if (self.low..=self.high).contains(&offset) {
            offset
        } else {
            self.low
        }
    }

    /// Returns the offset of the first record that is not older than `time`, or of what comes next.
    pub(super) fn since(&self, time: Timestamp) -> i64 {
        let mut records = self.records.iter();
        let first = records.find(|record| record.timestamp >= time);
        first.map_or(self.high, |record| record.offset)
    }

    /// Returns the records from `offset` on: at most `limit`, and no more after `bytes` are reached, but one at least;
    /// and where to read on.
    pub(super) fn read(&self, offset: i64, limit: usize, bytes: usize) -> TopicPage {
        let skipped = self
            .records
            .partition_point(|record| record.offset < offset);
        let mut found = Vec::with_capacity(limit.min(self.records.len() - skipped));
        let mut left = bytes;
        for record in self.records.range(skipped..) {
            let size = record.size();
            if found.len() == limit || (size > left && !found.is_empty()) {
                return TopicPage::new(found, Some(record.offset));
            }
            left = left.saturating_sub(size);
            found.push(record.clone());
        }
        TopicPage::new(found, Some(self.high))
    }

    pub(super) const fn low(&self) -> i64 {
        self.low
    }

    pub(super) const fn high(&self) -> i64 {
        self.high
    }

    pub(super) const fn watermarks(&self, partition: i32) -> Watermarks {
        Watermarks {
            partition,
            low: self.low,
            high: self.high,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log(records: &[(&'static str, Option<&'static str>)]) -> PartitionLog {
        let mut log = PartitionLog::default();
        for (n, (key, value)) in (0..).zip(records) {
            let record = KafkaRecord::new(0, Timestamp(n), value.map(Bytes::from));
            log.append(record.with_key(Some(Bytes::from(*key))));
        }
        log
    }

    fn offsets(page: &TopicPage) -> Vec<i64> {
        page.records.iter().map(|record| record.offset).collect()
    }

    #[test]
    fn compaction_keeps_the_newest_of_each_key_at_its_offset() {
        let records = [
            ("a", Some("1")),
            ("b", Some("1")),
            ("a", None),
            ("b", Some("2")),
        ];
        let mut kept = log(&records);
        kept.compact(Tombstones::Kept);
        assert_eq!(offsets(&kept.read(0, 10, 1000)), [2, 3]);
        let mut dropped = log(&records);
        dropped.compact(Tombstones::Dropped);
        assert_eq!(offsets(&dropped.read(0, 10, 1000)), [3]);
        assert_eq!((dropped.low(), dropped.high()), (0, 4));
    }

    #[test]
    fn a_page_says_where_the_log_goes_on_beyond_what_nobody_sees() {
        let mut log = log(&[("a", Some("1")), ("b", Some("1"))]);
        assert_eq!(log.mark(), 2);
        assert_eq!(log.read(0, 10, 1000).position, Some(3));
        assert_eq!(log.read(0, 1, 1000).position, Some(1));
        assert_eq!(log.read(2, 10, 1000), TopicPage::new(Vec::new(), Some(3)));
    }

    #[test]
    fn a_place_that_the_log_does_not_hold_is_its_oldest() {
        let mut log = log(&[("a", Some("1")), ("b", Some("1")), ("c", None)]);
        log.delete_before(1);
        assert_eq!([0, 1, 3, 4].map(|offset| log.place(offset)), [1, 1, 3, 1]);
        log.trim(Timestamp(3), Duration::from_millis(2));
        assert_eq!((log.low(), log.high()), (2, 3));
        log.delete_before(99);
        assert_eq!((log.low(), log.high()), (3, 3));
    }

    #[test]
    fn a_page_goes_beyond_its_bytes_only_for_its_first_record() {
        let log = log(&[("a", Some("12345")), ("b", Some("1")), ("c", Some("1"))]);
        assert_eq!(offsets(&log.read(0, 10, 1)), [0]);
        assert_eq!(offsets(&log.read(1, 10, 4)), [1, 2]);
        assert_eq!(offsets(&log.read(1, 10, 3)), [1]);
        assert_eq!(offsets(&log.read(0, 0, 100)), [0; 0]);
    }
}
