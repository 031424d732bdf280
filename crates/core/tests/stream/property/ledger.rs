//! What became of every record, and whether that was right.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use lambda_esm_core::Timestamp;
use lambda_esm_core::stream::{Checkpoint, ShardId, Start, compare_sequences};

use super::beginning::Beginning;
use super::case::Case;
use super::fold::Folds;
use super::keys;
use super::telling::Untold;
use super::times::Times;
use crate::world::around::Watched;
use crate::world::call::Call;
use crate::world::clock::SourceClock;
use crate::world::log::Stream;

/// A record and its fate.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) key: u64,
    /// When it arrived, by the stream's clock.
    pub(super) born: Timestamp,
    /// The arrival time that it shows.
    pub(crate) arrival: Timestamp,
    /// Whether the filters let it pass.
    pub(crate) passes: bool,
    pub(crate) poison: bool,
    /// Whether it lies before the mapping's start, so that it need not be processed …
    pub(super) before_start: bool,
    /// … and must not be.
    pub(super) forbidden: bool,
    attempted: bool,
    /// In which life the function processed it last.
    pub(super) processed: Option<u32>,
    /// Failed attempts with it in this life since the last progress.
    pub(super) failures: u32,
    /// In which life it was decided last to give it up.
    pub(super) condemned: Option<u32>,
    /// Whether that is told, or cannot be.
    pub(super) gone: bool,
    /// In which life it was settled when the process died.
    settled_at_death: bool,
}

impl Entry {
    const fn is_settled(&self) -> bool {
        self.processed.is_some() || self.gone || !self.passes || self.before_start
    }
}

/// The limits under which a life was lived: settings may have changed in it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    pub(super) fewest_retries: Option<u32>,
    most_retries: Option<u32>,
    pub(super) shortest_age: Option<Duration>,
    batch_size: usize,
}

pub(crate) struct Ledger {
    pub(super) case: Case,
    pub(crate) entries: Vec<Entry>,
    pub(super) index: HashMap<Arc<str>, usize>,
    shards: BTreeMap<ShardId, Vec<usize>>,
    keys: BTreeMap<u64, Vec<usize>>,
    pub(super) life: u32,
    pub(super) limits: Limits,
    /// How often the function failed with exactly these records in this life.
    attempts: HashMap<Vec<Arc<str>>, u32>,
    /// Records repeated since the last death, by shard and the life in which they were settled.
    repeated: BTreeMap<(ShardId, Option<u32>), usize>,
    /// What is to be told in failure records, by first and last sequence number.
    pub(super) untold: BTreeMap<(ShardId, Arc<str>, Arc<str>), Untold>,
    /// How many records of a shard are settled from its first one on.
    prefix: BTreeMap<ShardId, usize>,
    pub(super) folds: Folds,
    lanes: Arc<HashMap<String, usize>>,
    pub(super) beginning: Beginning,
    pub(super) times: Times,
    /// The stream's clock as it goes now.
    pub(super) clock: SourceClock,
}

impl Ledger {
    pub(crate) fn new(case: &Case) -> Self {
        let mut ledger = Self {
            case: case.clone(),
            entries: Vec::new(),
            index: HashMap::new(),
            shards: BTreeMap::new(),
            keys: BTreeMap::new(),
            life: 0,
            limits: Limits {
                fewest_retries: None,
                most_retries: None,
                shortest_age: None,
                batch_size: 0,
            },
            attempts: HashMap::new(),
            repeated: BTreeMap::new(),
            untold: BTreeMap::new(),
            prefix: BTreeMap::new(),
            folds: Folds::default(),
            lanes: keys::lanes(case.factor, case.source),
            beginning: Beginning::default(),
            times: Times::default(),
            clock: case.clock,
        };
        ledger.begin_life();
        ledger.beginning.fresh = true;
        ledger
    }

    /// Settings hold from now on; those before still explain what was decided.
    pub(crate) fn update(&mut self, case: &Case) {
        self.case = case.clone();
        let retries = u32::try_from(case.retries).ok();
        let age = u64::try_from(case.age).ok().map(Duration::from_secs);
        let limits = &mut self.limits;
        limits.fewest_retries = limits.fewest_retries.into_iter().chain(retries).min();
        limits.most_retries = limits
            .most_retries
            .zip(retries)
            .map(|(most, now)| most.max(now));
        limits.shortest_age = limits.shortest_age.into_iter().chain(age).min();
        limits.batch_size = limits
            .batch_size
            .max(usize::try_from(case.batch_size).unwrap());
    }

    fn begin_life(&mut self) {
        let retries = u32::try_from(self.case.retries).ok();
        self.limits = Limits {
            fewest_retries: retries,
            most_retries: retries,
            shortest_age: u64::try_from(self.case.age).ok().map(Duration::from_secs),
            // A batch that was on its way may be of an earlier life.
            batch_size: self
                .limits
                .batch_size
                .max(usize::try_from(self.case.batch_size).unwrap()),
        };
    }

    pub(crate) fn put(
        &mut self,
        shard: &ShardId,
        sequence: Arc<str>,
        entry: (u64, Timestamp, bool, bool),
    ) {
        let (key, born, passes, poison) = entry;
        let arrival = self.clock.arrival(born);
        let born = self.clock.shows(born);
        let (before_start, forbidden) = self.place(arrival);
        let index = self.entries.len();
        self.entries.push(Entry {
            key,
            born,
            arrival,
            passes,
            poison,
            before_start,
            forbidden,
            attempted: false,
            processed: None,
            failures: 0,
            condemned: None,
            gone: false,
            settled_at_death: false,
        });
        self.index.insert(sequence, index);
        self.shards.entry(shard.clone()).or_default().push(index);
        self.keys.entry(key).or_default().push(index);
    }

    pub(crate) fn is_poison(&self, record: &Arc<str>) -> bool {
        self.entries[self.index[record]].poison
    }

    /// Returns the records that are not settled.
    pub(crate) fn unsettled(&self) -> Vec<String> {
        let named = self.index.iter();
        named
            .filter(|(_, index)| !self.entries[**index].is_settled())
            .map(|(sequence, index)| format!("{sequence}: {:?}", self.entries[*index]))
            .collect()
    }

    pub(crate) fn is_done(&self) -> bool {
        self.entries.iter().all(Entry::is_settled)
    }

    /// Returns the last record of a shard that had to be passed.
    pub(crate) fn last_of(&self, stream: &Stream, shard: &ShardId) -> Option<Arc<str>> {
        let log = &stream.shards[shard];
        let needed = |sequence: &&Arc<str>| !self.entries[self.index[*sequence]].before_start;
        let mut sequences = log.records.iter().map(|record| &record.sequence);
        sequences.rfind(needed).cloned()
    }

    pub(crate) fn windows_are_closed(&self) -> bool {
        self.folds.are_closed()
    }

    pub(crate) fn watch(&mut self, now: Timestamp, stream: &Stream, watched: &Watched<'_>) {
        match watched {
            Watched::Called(call) => self.called(stream, call),
            Watched::Answered(call) => self.answered(call),
            Watched::Delivering(discard) => self.delivering(discard),
            Watched::Delivered(discard) => self.delivered(discard),
            Watched::Committed(shard, checkpoint, kept) => {
                self.committed(stream, shard, checkpoint, *kept);
            }
            Watched::Decided(decision) => self.decided(now, stream, decision),
            Watched::Listed => self.listed(now, stream),
            Watched::Opened(shard, from) => self.opened(stream, shard, from),
            Watched::Died => self.died(),
        }
    }

    fn called(&mut self, stream: &Stream, call: &Call) {
        let indexes: Vec<usize> = call
            .records
            .iter()
            .map(|record| self.index[record])
            .collect();
        for &index in &indexes {
            let entry = &self.entries[index];
            assert!(
                entry.passes,
                "a record that passes no filter is invoked: {entry:?}"
            );
            assert!(
                !entry.forbidden,
                "a record from before the start is invoked: {entry:?}"
            );
            assert!(
                !entry.gone || entry.settled_at_death,
                "a discarded record is invoked: {entry:?}"
            );
            if !entry.attempted {
                self.check_order(index, &indexes);
            }
            self.entries[index].attempted = true;
            self.repeat(&call.shard, index);
        }
        self.check_age(call, &indexes);
        if let Some(window) = &call.window {
            self.check_window(stream, call, window);
            let tumbling = self.case.tumbling;
            let arrivals = indexes.iter().map(|&index| self.entries[index].arrival);
            self.folds.called(tumbling, &call.shard, window, arrivals);
        }
    }

    /// A record that was settled before the process died comes again: at most one batch per lane may for each
    /// death. What the last life did not come to may still do so for the one before.
    pub(super) fn repeat(&mut self, shard: &ShardId, index: usize) {
        let entry = &mut self.entries[index];
        if !std::mem::take(&mut entry.settled_at_death) {
            return;
        }
        // What was given up before may end otherwise now.
        entry.gone = false;
        let settled = entry.processed.max(entry.condemned);
        let repeated = self.repeated.entry((shard.clone(), settled)).or_default();
        *repeated += 1;
        let most = self.limits.batch_size * usize::try_from(self.case.factor).unwrap();
        assert!(
            *repeated <= most,
            "{repeated} records come again, {most} may"
        );
    }

    /// A record is tried for the first time only when those before it with its key are settled, or go with
    /// it, or have used up their attempts.
    fn check_order(&self, index: usize, batch: &[usize]) {
        let entry = &self.entries[index];
        let earlier = self.keys[&entry.key]
            .iter()
            .take_while(|&&other| other < index);
        for &other in earlier {
            let before = &self.entries[other];
            let most = self.limits.fewest_retries;
            let exhausted = most.is_some_and(|most| before.failures > most);
            let in_order = before.is_settled()
                || before.condemned == Some(self.life)
                || exhausted
                || batch.contains(&other);
            assert!(in_order, "{entry:?} overtakes {before:?}");
        }
    }

    fn answered(&mut self, call: &Call) {
        let is_final = call.window.as_ref().is_some_and(|window| window.is_final);
        for (place, record) in call.records.iter().enumerate() {
            let entry = &mut self.entries[self.index[record]];
            if place < call.processed {
                entry.processed = Some(self.life);
                entry.failures = 0;
            } else if call.outcome == "part" && call.processed > 0 {
                entry.failures = 0;
            } else if call.outcome != "throttled" {
                entry.failures += 1;
            }
        }
        let progress = call.processed > 0 || (is_final && call.outcome.is_empty());
        if let Some(window) = &call.window
            && progress
        {
            self.folds
                .answered(&call.shard, window, &call.records[..call.processed]);
            self.window_answered(call, window);
        }
        if let Some(window) = &call.window
            && is_final
            && !progress
        {
            self.final_failed(call, window, call.outcome != "throttled");
        }
        self.call_answered(call);
        if progress || call.outcome == "throttled" || is_final {
            return;
        }
        let attempts = self.attempts.entry(call.records.clone()).or_default();
        *attempts += 1;
        if let Some(most) = self.limits.most_retries {
            assert!(
                *attempts <= most + 1,
                "{attempts} attempts, {most} retries allowed: {call:?}"
            );
        }
    }

    pub(super) fn lane(&self, index: usize) -> usize {
        self.lanes[&keys::name(self.entries[index].key)]
    }

    fn committed(&mut self, stream: &Stream, shard: &ShardId, checkpoint: &Checkpoint, kept: bool) {
        self.begun_at_the_end(stream, shard, checkpoint);
        let log = &stream.shards[shard];
        let mut passed = match &checkpoint.start {
            Some(Start::TrimHorizon | Start::Timestamp(_)) => 0,
            Some(Start::After(last)) => log
                .records
                .partition_point(|record| compare_sequences(&record.sequence, last).is_le()),
            Some(other) => panic!("{shard} is kept at {other}, another place after each restart"),
            None => {
                assert!(log.closed, "{shard} is not at its end");
                log.records.len()
            }
        };
        let known = self.prefix.entry(shard.clone()).or_default();
        for record in &log.records[(*known).min(passed)..passed] {
            let entry = &self.entries[self.index[&record.sequence]];
            assert!(
                entry.is_settled(),
                "the checkpoint passes {}: {entry:?}",
                record.sequence
            );
        }
        passed = passed.max(*known);
        *known = passed;
        for last in checkpoint.lanes.iter().flatten() {
            let lane = self.lane(self.index[last]);
            let records = log.records[passed..].iter();
            let before = records
                .take_while(|record| compare_sequences(&record.sequence, last).is_le())
                .map(|record| self.index[&record.sequence]);
            for index in before.filter(|&index| self.lane(index) == lane) {
                let entry = &self.entries[index];
                assert!(entry.is_settled(), "the lane of {last} passes {entry:?}");
            }
        }
        self.folds.committed(shard, checkpoint, kept);
        self.beginning.kept_any |= kept;
    }

    fn died(&mut self) {
        self.life += 1;
        self.begin_life();
        self.attempts.clear();
        self.repeated.clear();
        self.untold.clear();
        for entry in &mut self.entries {
            let told = entry.processed.is_some() || entry.gone;
            entry.settled_at_death = told;
            entry.failures = 0;
        }
        self.folds.died();
        self.times = Times::default();
        self.beginning.died();
    }
}
