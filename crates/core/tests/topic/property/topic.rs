//! A topic, and what its consumer group has committed.

use bytes::Bytes;
use lambda_esm_core::Timestamp;
use lambda_esm_core::on_failure_record::Condition;
use lambda_esm_core::record::{DecodeFailure, KafkaRecord, Schemas};
use lambda_esm_core::topic::{OwnedPartition, TopicPage};

/// The size of each record's value.
pub(crate) const RECORD_BYTES: usize = 8;

/// What is known of a record.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Record {
    pub(crate) offset: i64,
    pub(crate) time: Timestamp,
    pub(crate) passes: bool,
    pub(crate) poison: bool,
    pub(crate) undecodable: bool,
    /// Whether the log holds it no more.
    pub(crate) trimmed: bool,
}

/// A partition.
#[derive(Debug, Default)]
pub(crate) struct Log {
    pub(crate) records: Vec<Record>,
    /// The offset that the next record gets.
    pub(crate) end: i64,
    pub(crate) committed: Option<i64>,
    /// The epoch under which the mapping owns it, in truth.
    pub(crate) owner: Option<u64>,
    /// How far it was read in that epoch.
    pub(crate) position: i64,
}

impl Log {
    /// Returns the first offset of which nothing is committed.
    pub(crate) fn begin(&self) -> i64 {
        self.committed.unwrap_or(0)
    }

    /// Returns the record at an offset.
    pub(crate) fn record(&self, offset: i64) -> Option<&Record> {
        let at = self
            .records
            .binary_search_by_key(&offset, |record| record.offset);
        self.records.get(at.ok()?)
    }

    /// Returns the oldest offset that the log holds.
    pub(crate) fn low(&self) -> i64 {
        let mut kept = self.records.iter().filter(|record| !record.trimmed);
        kept.next().map_or(self.end, |record| record.offset)
    }

    /// The log holds so many of its oldest records no more.
    pub(crate) fn trim(&mut self, records: usize) {
        let kept = self.records.iter_mut().filter(|record| !record.trimmed);
        kept.take(records).for_each(|record| record.trimmed = true);
    }

    /// Tells whether there is something that was not read.
    pub(crate) fn has_news(&self) -> bool {
        self.position < self.end
    }

    /// Reads on, up to so many records.
    pub(crate) fn page(&mut self, limit: usize, tells_position: bool) -> TopicPage {
        let rest = self.records.iter().filter(|record| !record.trimmed);
        let rest = rest.filter(|record| record.offset >= self.position);
        let records: Vec<Record> = rest.take(limit).copied().collect();
        let all_read = records.len() < limit;
        if let Some(last) = records.last() {
            self.position = last.offset + 1;
        }
        if all_read {
            self.position = self.end;
        }
        let position = (tells_position || records.is_empty()).then_some(self.position);
        TopicPage::new(records.iter().map(Record::read).collect(), position)
    }
}

impl Record {
    fn read(&self) -> KafkaRecord {
        let value: &[u8] = if self.passes {
            b"{\"n\": 1}"
        } else {
            b"{\"n\": 0}"
        };
        let record = KafkaRecord::new(self.offset, self.time, Some(Bytes::from_static(value)));
        let failure = self.undecodable.then(|| DecodeFailure {
            condition: Condition::DeserializationError,
            because: "it is no Avro".to_owned(),
        });
        record.with_schemas(
            failure.map(|failure| Box::new(Schemas::default().with_failure(Some(failure)))),
        )
    }
}

/// Returns the topic's partitions that are given by their bits.
pub(crate) fn chosen(partitions: i32, bits: u8) -> impl Iterator<Item = i32> {
    (0..partitions).filter(move |partition| bits >> partition & 1 == 1)
}

/// Returns a partition as an array's index.
pub(crate) fn index(partition: i32) -> usize {
    usize::try_from(partition).unwrap()
}

/// Returns a partition under an epoch.
pub(crate) const fn owned(partition: i32, epoch: u64) -> OwnedPartition {
    OwnedPartition { partition, epoch }
}
