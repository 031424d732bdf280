//! Records that are given up: why, and whether that is told.

use std::sync::Arc;
use std::time::Duration;

use lambda_esm_core::Timestamp;
use lambda_esm_core::decision::Decision;
use lambda_esm_core::on_failure_record::Condition;
use lambda_esm_core::stream::{ShardId, compare_sequences};

use super::ledger::Ledger;
use crate::world::call::Discard;
use crate::world::log::Stream;

/// Discarded records, and how often it was tried to tell of them.
#[derive(Debug, Default)]
pub(super) struct Untold {
    records: Vec<usize>,
    tries: u32,
}

impl Ledger {
    /// Returns the records of one discarded batch: from one to another in the same lane, without those that
    /// were left out or given up before.
    pub(super) fn batch(
        &self,
        stream: &Stream,
        shard: &ShardId,
        first: &str,
        last: &str,
    ) -> Vec<usize> {
        let lane = self.lane(self.index[first]);
        let records = stream.shards[shard].records.iter();
        let within = records.filter(|record| {
            compare_sequences(&record.sequence, first).is_ge()
                && compare_sequences(&record.sequence, last).is_le()
        });
        let in_batch = |&index: &usize| {
            let entry = &self.entries[index];
            entry.passes && entry.condemned != Some(self.life) && self.lane(index) == lane
        };
        within
            .map(|record| self.index[&record.sequence])
            .filter(in_batch)
            .collect()
    }

    pub(super) fn decided(&mut self, now: Timestamp, stream: &Stream, decision: &Decision) {
        match decision {
            Decision::Discarded {
                shard,
                records,
                condition,
                first,
                last,
                destination,
                ..
            } => {
                let indexes = self.batch(stream, shard, first, last);
                assert_eq!(indexes.len(), *records, "from {first} to {last}");
                if destination.is_some() {
                    let untold = Untold {
                        records: indexes.clone(),
                        tries: 0,
                    };
                    let name = (shard.clone(), first.as_str().into(), last.as_str().into());
                    self.untold.insert(name, untold);
                }
                for index in indexes {
                    self.repeat(shard, index);
                    self.check_reason(now, *condition, index);
                    let entry = &mut self.entries[index];
                    entry.condemned = Some(self.life);
                    entry.gone |= destination.is_none();
                    assert_eq!(destination.is_some(), self.case.destination);
                }
            }
            Decision::DeliveryFailed { shard, records, .. } => self.lost(shard, *records),
            Decision::Invoked {
                batch,
                iterator_age_ms,
                ..
            } => self.times.iterator_age = iterator_age_ms.map(|age| (*batch, age)),
            Decision::PassedOver {
                shard,
                sequence_number,
                ..
            } => {
                for record in &stream.shards[shard].records {
                    let entry = &self.entries[self.index[&record.sequence]];
                    let passed = compare_sequences(&record.sequence, sequence_number).is_le();
                    assert!(!passed || entry.before_start, "passed over: {entry:?}");
                }
            }
            Decision::WindowDropped {
                shard,
                start_ms,
                condition,
                ..
            } => {
                self.check_drop(now, shard, *start_ms, *condition);
                self.folds.dropped(shard, *start_ms);
            }
            Decision::Skipped {
                sequence_number, ..
            } => {
                let entry = &self.entries[self.index[sequence_number.as_str()]];
                assert!(!entry.passes, "a record that passes is left out: {entry:?}");
            }
            _ => {}
        }
    }

    pub(super) fn check_reason(&self, now: Timestamp, condition: Condition, index: usize) {
        let entry = &self.entries[index];
        assert_ne!(
            entry.processed,
            Some(self.life),
            "discarded though processed: {entry:?}"
        );
        match condition {
            Condition::RetryAttemptsExhausted => {
                let most = self.limits.fewest_retries.expect("a limit of retries");
                assert!(entry.failures > most, "discarded too early: {entry:?}");
            }
            Condition::RecordAgeExceeded => {
                let age = self.age(now, entry);
                let retention = self.case.retention.map(Duration::from_secs);
                let limit = self.limits.shortest_age.into_iter().chain(retention).min();
                let limit = limit.expect("a limit of age");
                assert!(age > limit, "not too old at {now:?}: {entry:?}");
            }
            other => panic!("{other:?}, though no record is so large or cannot be read: {entry:?}"),
        }
    }

    pub(super) fn delivering(&mut self, discard: &Discard) {
        let untold = self.untold.get_mut(&name(discard));
        let untold = untold.unwrap_or_else(|| panic!("told without need: {discard:?}"));
        assert_eq!(untold.records.len(), discard.size, "{discard:?}");
        untold.tries += 1;
        assert!(untold.tries <= 5, "{discard:?}");
    }

    pub(super) fn delivered(&mut self, discard: &Discard) {
        let told = self
            .untold
            .remove(&name(discard))
            .expect("a delivery on its way");
        self.give_up(&told.records);
    }

    /// A failure record was given up: one of those that were tried five times.
    pub(super) fn lost(&mut self, shard: &ShardId, records: usize) {
        let fits = |(name, untold): &(&_, &Untold)| {
            let (of, ..): &(ShardId, Arc<str>, Arc<str>) = name;
            untold.tries == 5 && of == shard && untold.records.len() == records
        };
        let lost = self.untold.iter().find(fits).map(|(name, _)| name.clone());
        let lost = lost.and_then(|name| self.untold.remove(&name));
        self.give_up(&lost.expect("a delivery that was tried five times").records);
    }

    pub(super) fn give_up(&mut self, records: &[usize]) {
        for &index in records {
            self.entries[index].gone = true;
        }
    }
}

fn name(discard: &Discard) -> (ShardId, Arc<str>, Arc<str>) {
    (
        discard.shard.clone(),
        discard.first.clone(),
        discard.last.clone(),
    )
}
