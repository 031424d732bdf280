//! What the shards of a machine come to together, kept up to date as one after the other changes: a view of
//! the machine must not cost a walk over all of them.

use std::collections::{BTreeMap, BTreeSet};

use super::machine::StreamMachine;
use super::shard::{Shard, ShardKey, Stage};
use crate::activity::Activity;
use crate::time::Timestamp;

/// The sums of so many shards are checked at each look, where assertions are on.
const FEW: usize = 100;

/// What one shard adds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Share {
    runs: usize,
    /// Whether it is read, and not open.
    unopened: usize,
    receives: usize,
    running: usize,
    waiting: usize,
    unsettled: usize,
    /// The size of the unsettled records' data.
    bytes: usize,
    backing_off_until: Option<Timestamp>,
    iterator_age_ms: Option<u64>,
    /// Whether it cannot be read, its positions cannot be kept, or the function failed with a batch.
    problems: [bool; 3],
    /// Whether something of it is outside that a drain waits for.
    busy: usize,
}

impl Share {
    fn of(shard: &Shard) -> Self {
        let busy = usize::from(!shard.is_idle());
        if shard.stage != Stage::Running {
            return Self {
                busy,
                ..Self::default()
            };
        }
        let lanes = || shard.lanes.iter();
        let waits = lanes().filter_map(|lane| lane.front()?.waits_until());
        let unsettled = shard.ledger.unsettled();
        Self {
            runs: 1,
            unopened: usize::from(!shard.reader.is_open()),
            receives: usize::from(shard.reader.is_fetching()),
            running: lanes().filter(|lane| lane.work.is_some()).count(),
            waiting: lanes().map(|lane| lane.ready.len()).sum(),
            unsettled,
            bytes: shard.ledger.bytes(),
            backing_off_until: waits.chain(shard.reader.backing_off_until()).min(),
            iterator_age_ms: shard.iterator_age_ms.filter(|_| unsettled > 0),
            problems: [
                shard.reader.problem.is_some(),
                shard.committer.problem.is_some(),
                lanes().any(|lane| lane.problem.is_some()),
            ],
            busy,
        }
    }
}

/// The sums.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Tally {
    shares: BTreeMap<ShardKey, Share>,
    sum: Share,
    backing_off: BTreeSet<(Timestamp, ShardKey)>,
    ages: BTreeSet<(u64, ShardKey)>,
    problems: [BTreeSet<ShardKey>; 3],
}

impl Tally {
    /// Takes note of how a shard stands now.
    pub(super) fn note(&mut self, shard: &Shard) {
        self.put(shard.key, Share::of(shard));
    }

    /// Forgets a shard.
    pub(super) fn forget(&mut self, key: ShardKey) {
        self.put(key, Share::default());
    }

    /// Returns how many shards are read.
    pub(super) const fn shards(&self) -> usize {
        self.sum.runs
    }

    /// Tells whether all shards that are read are open.
    pub(super) const fn all_are_open(&self) -> bool {
        self.sum.unopened == 0
    }

    /// Tells whether nothing is outside that a drain waits for.
    pub(super) const fn is_idle(&self) -> bool {
        self.sum.busy == 0
    }

    fn put(&mut self, key: ShardKey, share: Share) {
        let before = self.shares.get(&key).copied().unwrap_or_default();
        if before == share {
            return;
        }
        if share == Share::default() {
            self.shares.remove(&key);
        } else {
            self.shares.insert(key, share);
        }
        let swap = |sum: &mut usize, before: usize, now: usize| *sum = *sum - before + now;
        swap(&mut self.sum.runs, before.runs, share.runs);
        swap(&mut self.sum.unopened, before.unopened, share.unopened);
        swap(&mut self.sum.receives, before.receives, share.receives);
        swap(&mut self.sum.running, before.running, share.running);
        swap(&mut self.sum.waiting, before.waiting, share.waiting);
        swap(&mut self.sum.unsettled, before.unsettled, share.unsettled);
        swap(&mut self.sum.bytes, before.bytes, share.bytes);
        swap(&mut self.sum.busy, before.busy, share.busy);
        replace(
            &mut self.backing_off,
            before.backing_off_until.map(|until| (until, key)),
            share.backing_off_until.map(|until| (until, key)),
        );
        replace(
            &mut self.ages,
            before.iterator_age_ms.map(|age| (age, key)),
            share.iterator_age_ms.map(|age| (age, key)),
        );
        for (index, keys) in self.problems.iter_mut().enumerate() {
            replace(
                keys,
                before.problems[index].then_some(key),
                share.problems[index].then_some(key),
            );
        }
    }
}

fn replace<T: Ord>(set: &mut BTreeSet<T>, before: Option<T>, now: Option<T>) {
    if before != now {
        if let Some(before) = before {
            set.remove(&before);
        }
        set.extend(now);
    }
}

impl StreamMachine {
    /// Returns a view of the machine. It costs the same however many shards there are.
    #[must_use]
    pub fn status(&self) -> Activity {
        debug_assert!(
            self.shards.len() > FEW || self.tally == self.counted(),
            "the sums are not those of the shards: {:?}",
            self.tally
        );
        let Tally { sum, .. } = &self.tally;
        let first = |problem: usize| {
            let key = self.tally.problems[problem].first()?;
            self.shards.get(key)
        };
        let unread = first(0).and_then(|shard| shard.reader.problem.as_ref());
        let unkept = first(1).and_then(|shard| shard.committer.problem.as_ref());
        let mut lanes = first(2).into_iter().flat_map(|shard| &shard.lanes);
        let failed = lanes.find_map(|lane| lane.problem.as_ref());
        let directory = &self.directory;
        Activity {
            concurrency: sum.runs * self.config.factor(),
            running: sum.running,
            waiting: sum.waiting,
            gathering: sum.unsettled,
            receives: sum.receives,
            backing_off_until: self
                .tally
                .backing_off
                .first()
                .map(|(until, _)| until.millis()),
            iterator_age_ms: self.tally.ages.last().map(|&(age, _)| age),
            source_problem: directory.problem().or_else(|| unread.cloned()),
            function_problem: directory
                .store_problem
                .as_ref()
                .or(unkept)
                .or(failed)
                .cloned(),
        }
    }

    /// Returns the sums of all shards, counted anew.
    fn counted(&self) -> Tally {
        let mut tally = Tally::default();
        for shard in self.shards.values() {
            tally.note(shard);
        }
        tally
    }
}
