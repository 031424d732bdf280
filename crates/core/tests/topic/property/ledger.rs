//! What a machine has promised, and a check of each of its actions against that.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use lambda_esm_core::Timestamp;
use lambda_esm_core::topic::{OwnedPartition, PartitionOffset};
use serde_json::Value;

use super::topic::{Log, Record, index, owned};
use crate::mapping::START;
use crate::world::Place;

/// What became of the records of a partition in one epoch.
#[derive(Debug, Default)]
pub(crate) struct Epoch {
    /// Those that were handed to the machine.
    read: BTreeSet<i64>,
    processed: BTreeSet<i64>,
    /// Those of which the destination has been told, or cannot be.
    told: BTreeSet<i64>,
    /// How often the function failed with each.
    failed: BTreeMap<i64, u32>,
    /// The last commit.
    committed: Option<i64>,
    began: i64,
    /// Those that were sent.
    sent: BTreeSet<i64>,
    /// How far it is committed, as the machine knows.
    known_committed: i64,
}

#[derive(Debug)]
pub(crate) struct Ledger {
    /// The epochs in which the machine owns partitions, as far as it has been told, and whether each is asked back.
    pub(crate) owned: BTreeMap<i32, (u64, bool)>,
    epochs: BTreeMap<OwnedPartition, Epoch>,
    /// The batches that the function has.
    running: BTreeMap<usize, Vec<(OwnedPartition, i64)>>,
    /// The most records of a batch so far.
    pub(crate) batch_size: usize,
    pub(crate) retries: Option<u32>,
    pub(crate) age: Option<Duration>,
    pub(crate) now: Timestamp,
    pub(crate) bisect: bool,
    pub(crate) has_destination: bool,
    pub(crate) most_at_once: usize,
    pub(crate) draining: bool,
    /// Those that the function has processed, and those that somebody was told of, over all epochs.
    done: BTreeSet<Place>,
}

impl Ledger {
    pub(crate) fn new(batch_size: usize) -> Self {
        Self {
            owned: BTreeMap::new(),
            epochs: BTreeMap::new(),
            running: BTreeMap::new(),
            batch_size,
            retries: None,
            age: None,
            now: START,
            bisect: false,
            has_destination: false,
            most_at_once: usize::MAX,
            draining: false,
            done: BTreeSet::new(),
        }
    }

    pub(crate) fn assigned(&mut self, owned: OwnedPartition, log: &Log) {
        self.owned.insert(owned.partition, (owned.epoch, false));
        let epoch = self.epochs.entry(owned).or_default();
        epoch.began = log.begin();
        epoch.known_committed = log.begin();
    }

    pub(crate) fn revoking(&mut self, partition: i32) {
        if let Some((_, revoking)) = self.owned.get_mut(&partition) {
            *revoking = true;
        }
    }

    /// The machine owns a partition no more, and has been told.
    pub(crate) fn lost(&mut self, partition: i32) {
        self.owned.remove(&partition);
    }

    /// The process has ended.
    pub(crate) fn died(&mut self) {
        self.owned.clear();
        self.running.clear();
        self.draining = false;
    }

    pub(crate) fn is_owned(&self, owned: OwnedPartition) -> bool {
        let known = self.owned.get(&owned.partition);
        known.is_some_and(|(epoch, _)| *epoch == owned.epoch)
    }

    /// Tells whether the machine may act for a partition: it owns it, and nobody asks for it back.
    fn is_free(&self, owned: OwnedPartition) -> bool {
        self.owned.get(&owned.partition) == Some(&(owned.epoch, false))
    }

    pub(crate) fn fetches(&self, owned: OwnedPartition) {
        assert!(self.is_free(owned), "{owned:?} is fetched, and not owned");
        assert!(!self.draining, "{owned:?} is fetched in a drain");
    }

    pub(crate) fn read(&mut self, owned: OwnedPartition, offsets: impl Iterator<Item = i64>) {
        self.epochs.entry(owned).or_default().read.extend(offsets);
    }

    fn may_be_dropped(&self, epoch: &Epoch, record: &Record) -> bool {
        let failed = epoch.failed.get(&record.offset).copied().unwrap_or(0);
        record.undecodable
            || self.is_too_old(record)
            || self.retries.is_some_and(|retries| failed > retries)
    }

    fn is_too_old(&self, record: &Record) -> bool {
        self.age
            .is_some_and(|age| self.now.since(record.time) > age)
    }

    fn is_settled(&self, epoch: &Epoch, record: &Record) -> bool {
        record.trimmed
            || !(record.passes || record.undecodable)
            || epoch.processed.contains(&record.offset)
            || epoch.told.contains(&record.offset)
            || (!self.has_destination && self.may_be_dropped(epoch, record))
    }

    /// A batch goes to the function.
    pub(crate) fn invokes(&mut self, call: usize, places: &[Place], logs: &[Log]) {
        assert!(!self.draining, "a batch begins in a drain");
        assert!(places.len() <= self.batch_size);
        let (mut first, mut last) = (BTreeMap::new(), BTreeMap::new());
        let mut batch = Vec::new();
        for &(partition, offset) in places {
            let (epoch, revoking) = *self
                .owned
                .get(&partition)
                .expect("a partition that is owned");
            assert!(!revoking, "{partition} is asked back");
            let owned = owned(partition, epoch);
            let known = &self.epochs[&owned];
            assert!(
                known.read.contains(&offset),
                "{owned:?} has not read {offset}"
            );
            let log = &logs[index(partition)];
            let record = log.record(offset).expect("a record");
            assert!(!self.is_too_old(record), "{offset} of {owned:?} is too old");
            let again = known.processed.contains(&offset) || known.told.contains(&offset);
            assert!(!again, "{offset} of {owned:?} is done");
            let most = self.retries.map_or(u32::MAX, |retries| {
                // Each split repeats a try.
                let splits = if self.bisect {
                    self.batch_size.ilog2() + 1
                } else {
                    0
                };
                retries + splits
            });
            let tries = known.failed.get(&offset).copied().unwrap_or(0);
            assert!(
                tries <= most,
                "{offset} of {owned:?} was tried {tries} times"
            );
            let before = last.insert(owned, offset);
            let is_next = before.is_none_or(|before| before < offset);
            assert!(is_next, "{owned:?} is out of order");
            first.entry(owned).or_insert(offset);
            batch.push((owned, offset));
        }
        for (&owned, &first) in &first {
            self.check_order(owned, first, &logs[index(owned.partition)]);
            self.check_commit_before(owned, &batch);
            let is_running = self
                .running
                .values()
                .flatten()
                .any(|(other, _)| *other == owned);
            assert!(!is_running, "two batches hold {owned:?}");
        }
        self.running.insert(call, batch);
        let live = self.running.values().filter(|batch| {
            let mut batch = batch.iter();
            batch.any(|(owned, _)| self.is_owned(*owned))
        });
        let most = self.most_at_once.min(self.owned.len());
        assert!(live.count() <= most, "more than {most} batches run");
    }

    /// What was settled of a partition is committed before it has another batch.
    fn check_commit_before(&mut self, owned: OwnedPartition, batch: &[(OwnedPartition, i64)]) {
        let epoch = self.epochs.entry(owned).or_default();
        let mut is_new = false;
        for &(of, offset) in batch {
            is_new |= of == owned && epoch.sent.insert(offset);
        }
        let uncommitted = epoch.processed.range(epoch.known_committed..).next();
        let waits = is_new && uncommitted.is_some();
        assert!(
            !waits,
            "{owned:?} has a new batch, and {uncommitted:?} is not committed"
        );
    }

    /// Offsets are committed, and the machine knows it.
    pub(crate) fn committed(&mut self, offsets: &[PartitionOffset]) {
        for &PartitionOffset { owned, offset } in offsets {
            let epoch = self.epochs.entry(owned).or_default();
            epoch.known_committed = offset.max(epoch.known_committed);
        }
    }

    /// All before the first record of a batch is done, or is being given up.
    fn check_order(&self, owned: OwnedPartition, first: i64, log: &Log) {
        let epoch = &self.epochs[&owned];
        let before = log.records.iter();
        let before = before.filter(|record| record.offset >= epoch.began && record.offset < first);
        for record in before {
            let is_over = self.is_settled(epoch, record) || self.may_be_dropped(epoch, record);
            assert!(
                is_over,
                "{first} of {owned:?} goes before {}",
                record.offset
            );
        }
    }

    /// Returns what the function had, which has answered: it failed with those of `failed` (by their place in the batch).
    pub(crate) fn answered(&mut self, call: usize, failed: impl Fn(usize) -> bool) {
        let batch = self.running.remove(&call).unwrap_or_default();
        for (at, (owned, offset)) in batch.into_iter().enumerate() {
            let epoch = self.epochs.entry(owned).or_default();
            if failed(at) {
                *epoch.failed.entry(offset).or_default() += 1;
            } else {
                epoch.processed.insert(offset);
                self.done.insert((owned.partition, offset));
            }
        }
    }

    /// The function did not have it.
    pub(crate) fn not_reached(&mut self, call: usize) {
        self.running.remove(&call);
    }

    /// Returns the records that a document for the destination tells of.
    pub(crate) fn delivers(&self, body: &[u8], logs: &[Log]) -> Vec<(OwnedPartition, i64)> {
        let told: Value = serde_json::from_slice(body).unwrap();
        let batch = &told["KafkaBatchInfo"];
        let number = |value: &Value| value.as_str().unwrap().parse::<i64>().unwrap();
        let mut ranges = Vec::new();
        if let Some(infos) = batch["recordsInfo"].as_object() {
            for (name, info) in infos {
                let partition: i32 = name.strip_prefix("orders-").unwrap().parse().unwrap();
                let first = number(&info["firstRecordOffset"]);
                ranges.push((partition, first, number(&info["lastRecordOffset"])));
            }
        } else {
            let records = told["payload"]["records"].as_object().unwrap();
            let name = records.keys().next().unwrap();
            let partition = name.strip_prefix("orders-").unwrap().parse().unwrap();
            let offset = number(&batch["recordInfo"]["offset"]);
            ranges.push((partition, offset, offset));
        }
        let mut records = Vec::new();
        for (partition, first, last) in ranges {
            let Some(&(epoch, _)) = self.owned.get(&partition) else {
                continue;
            };
            let owned = owned(partition, epoch);
            let known = &self.epochs[&owned];
            let all = logs[index(partition)].records.iter();
            let told = all.filter(|record| (first..=last).contains(&record.offset));
            let told = told.filter(|record| self.may_be_dropped(known, record));
            records.extend(told.map(|record| (owned, record.offset)));
        }
        assert!(
            !records.is_empty(),
            "nobody's records are delivered: {told}"
        );
        records
    }

    pub(crate) fn delivered(&mut self, records: &[(OwnedPartition, i64)]) {
        for &(owned, offset) in records {
            self.epochs.entry(owned).or_default().told.insert(offset);
            self.done.insert((owned.partition, offset));
        }
    }

    pub(crate) fn commits(
        &mut self,
        PartitionOffset { owned, offset }: PartitionOffset,
        logs: &[Log],
    ) {
        assert!(self.is_free(owned), "{owned:?} is committed, and not owned");
        self.check_commit(owned, offset, logs);
    }

    pub(crate) fn lets_go(&mut self, owned: OwnedPartition, offset: Option<i64>, logs: &[Log]) {
        let known = self.owned.get(&owned.partition);
        assert_eq!(known, Some(&(owned.epoch, true)), "{owned:?} is let go of");
        if let Some(offset) = offset {
            self.check_commit(owned, offset, logs);
        }
        let running = self.running.values().flatten();
        let runs = running.filter(|(other, _)| *other == owned).count();
        assert_eq!(runs, 0, "the function has records of {owned:?}");
        self.lost(owned.partition);
    }

    fn check_commit(&mut self, owned: OwnedPartition, offset: i64, logs: &[Log]) {
        let log = &logs[index(owned.partition)];
        let epoch = &self.epochs[&owned];
        assert!(offset <= log.end, "{owned:?} is committed beyond its end");
        let before = epoch.committed.unwrap_or(epoch.began);
        assert!(
            offset >= before,
            "{owned:?} goes back from {before} to {offset}"
        );
        let covered = log
            .records
            .iter()
            .filter(|record| (before..offset).contains(&record.offset));
        for record in covered {
            assert!(record.trimmed || epoch.read.contains(&record.offset));
            let is_settled = self.is_settled(epoch, record);
            assert!(is_settled, "{owned:?} is committed past {}", record.offset);
        }
        if let Some(epoch) = self.epochs.get_mut(&owned) {
            epoch.committed = Some(offset);
        }
    }

    /// A partition moves: no more than one batch of it is repeated.
    pub(crate) fn moves(&self, owned: OwnedPartition, log: &Log) {
        let Some(epoch) = self.epochs.get(&owned) else {
            return;
        };
        let repeated = epoch.processed.range(log.begin()..).count();
        assert!(
            repeated <= self.batch_size,
            "{repeated} records of {owned:?} are repeated"
        );
    }

    /// Somebody else has processed a record.
    pub(crate) fn done_by_others(&mut self, place: Place) {
        self.done.insert(place);
    }

    /// Checks that nothing is lost.
    pub(crate) fn check_end(&self, logs: &[Log]) {
        for (partition, log) in (0..).zip(logs) {
            assert_eq!(log.begin(), log.end, "{partition} is behind");
            let kept = log.records.iter().filter(|record| !record.trimmed);
            for record in kept.filter(|record| record.passes) {
                let is_done = self.done.contains(&(partition, record.offset));
                let epochs = self
                    .epochs
                    .iter()
                    .filter(|(owned, _)| owned.partition == partition);
                let mut epochs = epochs.map(|(_, epoch)| epoch);
                let is_over = is_done
                    || (!self.has_destination
                        && epochs.any(|epoch| self.may_be_dropped(epoch, record)));
                assert!(is_over, "{partition}-{} is lost", record.offset);
            }
        }
    }
}
