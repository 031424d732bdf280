//! What the shards of a machine come to together, kept up to date as one after the other changes: a view of
//! the machine must not cost a walk over all of them.

use std::collections::{BTreeMap, BTreeSet};

use super::shard_key::ShardKey;
use crate::time::Timestamp;

/// What one shard adds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Share {
    pub(super) runs: usize,
    /// Whether it is read, and not open.
    pub(super) unopened: usize,
    pub(super) receives: usize,
    pub(super) running: usize,
    pub(super) waiting: usize,
    pub(super) unsettled: usize,
    /// The size of the unsettled records' data.
    pub(super) bytes: usize,
    pub(super) backing_off_until: Option<Timestamp>,
    pub(super) iterator_age_ms: Option<u64>,
    /// Whether it cannot be read, its positions cannot be kept, the function failed with a batch, or it is read no more.
    pub(super) problems: [bool; 4],
    /// Whether something of it is outside that a drain waits for.
    pub(super) busy: usize,
}

/// The sums.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Totals {
    shares: BTreeMap<ShardKey, Share>,
    sum: Share,
    backing_off: BTreeSet<(Timestamp, ShardKey)>,
    ages: BTreeSet<(u64, ShardKey)>,
    problems: [BTreeSet<ShardKey>; 4],
}

impl Totals {
    /// Forgets a shard.
    pub(super) fn forget(&mut self, key: ShardKey) {
        self.put(key, Share::default());
    }

    /// Returns the sums, but for what is not a sum.
    pub(super) const fn sum(&self) -> &Share {
        &self.sum
    }

    /// Returns when the first shard that waits for a retry goes on.
    pub(super) fn backing_off_until(&self) -> Option<Timestamp> {
        self.backing_off.first().map(|&(until, _)| until)
    }

    /// Returns the iterator age of the shard where it is greatest, in milliseconds; of those with unsettled records.
    pub(super) fn iterator_age_ms(&self) -> Option<u64> {
        self.ages.last().map(|&(age, _)| age)
    }

    /// Returns the first shard with this problem.
    pub(super) fn first_with(&self, problem: usize) -> Option<&ShardKey> {
        self.problems[problem].first()
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

    /// Takes note of what a shard adds now.
    pub(super) fn put(&mut self, key: ShardKey, share: Share) {
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
