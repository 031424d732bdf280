//! Parents before children: which shards wait for which, so that the records of a key keep their order across a split or
//! a merge (Kinesis developer guide, "Resharding a stream": read the parents to their end first).

use std::collections::{BTreeMap, BTreeSet};

use crate::stream::port::ShardId;
use crate::stream::shard_key::ShardKey;

/// The most children that a page may name: a shard is split into two. If it names more, none is taken at its
/// word, and a listing tells.
pub(in crate::stream) const MOST_CHILDREN: usize = 100;

/// The waiting shards.
#[derive(Debug, Default)]
pub(in crate::stream) struct Lineage {
    /// Each under each of its parents.
    waiting: BTreeSet<(ShardId, ShardKey)>,
    /// Those that may have become free.
    candidates: BTreeSet<ShardKey>,
}

impl Lineage {
    /// Takes note of a shard that waits for its parents, and perhaps need not.
    pub(in crate::stream) fn waits(&mut self, shard: ShardKey, parents: &[ShardId]) {
        let pairs = parents.iter().map(|parent| (parent.clone(), shard));
        self.waiting.extend(pairs);
        self.candidates.insert(shard);
    }

    /// Takes note of a shard that waits no more.
    pub(in crate::stream) fn forget(&mut self, shard: ShardKey, parents: &[ShardId]) {
        for parent in parents {
            self.waiting.remove(&(parent.clone(), shard));
        }
    }

    /// Takes it that shards are gone of which it need not be known which ones.
    pub(in crate::stream) fn reconsider(&mut self) {
        let waiting = self.waiting.iter().map(|&(_, key)| key);
        self.candidates.extend(waiting);
    }

    /// Takes it that a shard is over, or gone: its children may be free.
    pub(in crate::stream) fn parent_is_over(&mut self, parent: &ShardId) {
        let first = (parent.clone(), ShardKey(0));
        let children = self.waiting.range(first..);
        let children = children.take_while(|(of, _)| of == parent);
        self.candidates.extend(children.map(|&(_, key)| key));
    }

    /// Tells whether shards may have become free.
    pub(in crate::stream) fn has_candidates(&self) -> bool {
        !self.candidates.is_empty()
    }

    /// Returns a shard that may have become free.
    pub(in crate::stream) fn next_candidate(&mut self) -> Option<ShardKey> {
        self.candidates.pop_first()
    }

    /// Returns the waiting shards that are in a ring, or between two: each would wait for the other for ever.
    /// `waits` tells which shard has a name, if that waits too.
    pub(in crate::stream) fn ring(
        &self,
        waits: impl Fn(&ShardId) -> Option<ShardKey>,
    ) -> Vec<ShardKey> {
        let pairs = self.waiting.iter();
        let mut up: BTreeMap<ShardKey, Vec<ShardKey>> = BTreeMap::new();
        let mut down: BTreeMap<ShardKey, Vec<ShardKey>> = BTreeMap::new();
        for (parent, child) in pairs.filter_map(|(id, key)| Some((waits(id)?, *key))) {
            up.entry(child).or_default().push(parent);
            down.entry(parent).or_default().push(child);
        }
        // Who waits only for those who need not wait for ever need not wait for ever; nor is in a ring for whom
        // only those wait who are in none.
        peel(&mut up, &down);
        down.retain(|key, children| {
            children.retain(|child| up.contains_key(child));
            up.contains_key(key) && !children.is_empty()
        });
        peel(&mut down, &up);
        down.into_keys()
            .filter(|key| up.contains_key(key))
            .collect()
    }
}

/// Takes away who is not held back by anybody, until all who are left are: `held` says by whom, and `holds`
/// the same the other way round.
fn peel(held: &mut BTreeMap<ShardKey, Vec<ShardKey>>, holds: &BTreeMap<ShardKey, Vec<ShardKey>>) {
    let mut left: BTreeMap<ShardKey, usize> =
        held.iter().map(|(key, by)| (*key, by.len())).collect();
    let mut free: Vec<ShardKey> = holds
        .keys()
        .filter(|key| !left.contains_key(key))
        .copied()
        .collect();
    while let Some(key) = free.pop() {
        for other in holds.get(&key).into_iter().flatten() {
            if let Some(number) = left.get_mut(other) {
                *number -= 1;
                if *number == 0 {
                    left.remove(other);
                    held.remove(other);
                    free.push(*other);
                }
            }
        }
    }
}
