//! Which shards wait for which, and which may begin.

use std::collections::{BTreeMap, BTreeSet};

use super::machine::StreamMachine;
use super::port::ShardId;
use super::shard::{Shard, ShardKey, Stage};
use crate::decision::Decision;
use crate::time::Timestamp;

/// The most children that a page may name: a shard is split into two. If it names more, none is taken at its
/// word, and a listing tells.
const MOST_CHILDREN: usize = 100;

/// How many shards start in one step: each is told of, and what is told takes memory until it is carried out.
const START_AT_ONCE: usize = 1_000;

/// The waiting shards.
#[derive(Debug, Default)]
pub(super) struct Lineage {
    /// Each under each of its parents.
    waiting: BTreeSet<(ShardId, ShardKey)>,
    /// Those that may have become free.
    candidates: BTreeSet<ShardKey>,
}

impl Lineage {
    /// Takes note of a shard that waits.
    pub(super) fn waits(&mut self, shard: &Shard) {
        for parent in &shard.parents {
            self.waiting.insert((parent.clone(), shard.key));
        }
        self.candidates.insert(shard.key);
    }

    /// Takes note of a shard that waits no more.
    pub(super) fn forget(&mut self, shard: &Shard) {
        for parent in &shard.parents {
            self.waiting.remove(&(parent.clone(), shard.key));
        }
    }

    /// Takes it that shards are gone of which it need not be known which ones.
    pub(super) fn reconsider(&mut self) {
        let waiting = self.waiting.iter().map(|&(_, key)| key);
        self.candidates.extend(waiting);
    }

    fn children<'a>(&'a self, parent: &'a ShardId) -> impl Iterator<Item = ShardKey> + 'a {
        let first = (parent.clone(), ShardKey(0));
        let children = self.waiting.range(first..);
        children
            .take_while(move |(of, _)| of == parent)
            .map(|&(_, key)| key)
    }
}

impl StreamMachine {
    /// Takes the children that a shard named at its end, and those that waited for the end.
    pub(super) fn take_children(&mut self, key: ShardKey) {
        let Some(shard) = self.shards.get_mut(&key) else {
            return;
        };
        let children = std::mem::take(&mut shard.children);
        if shard.stage == Stage::Over {
            let free: Vec<ShardKey> = self.lineage.children(&shard.id).collect();
            self.lineage.candidates.extend(free);
        }
        if children.len() > MOST_CHILDREN {
            self.out.awaits_children = true;
            return;
        }
        for child in &children {
            self.add(child.clone());
        }
        // A parent that is not known may be over, or too new for the last listing.
        for child in children {
            let known = child
                .parents
                .iter()
                .all(|parent| self.keys.contains_key(parent));
            let key = self.keys.get(&child.id);
            if let Some(shard) = key.and_then(|key| self.shards.get_mut(key))
                && !known
                && shard.stage == Stage::Waiting
            {
                shard.needs_listing = true;
                self.out.list = true;
            }
        }
    }

    /// Tells whether there are shards to be started at once.
    pub(super) fn has_starters(&self) -> bool {
        !self.lineage.candidates.is_empty() && !self.draining && !self.is_beginning()
    }

    /// Starts shards whose parents are over: a number of them at a time, and the others right after that.
    pub(super) fn start_shards(&mut self, now: Timestamp) {
        if !self.has_starters() {
            return;
        }
        for _ in 0..START_AT_ONCE {
            let Some(key) = self.lineage.candidates.pop_first() else {
                return;
            };
            self.out.visits += 1;
            let Some(shard) = self.shards.get(&key) else {
                continue;
            };
            if shard.stage != Stage::Waiting || !self.is_free(shard) {
                continue;
            }
            self.lineage.forget(shard);
            self.with(now, key, |shard, ctx| {
                shard.stage = Stage::Running;
                ctx.report(Decision::ShardStarted {
                    shard: shard.id.clone(),
                    from: shard.beginning(),
                });
                shard.advance(ctx);
            });
        }
    }

    fn is_free(&self, shard: &Shard) -> bool {
        let stage = |parent| Some(self.shards.get(self.keys.get(parent)?)?.stage);
        let is_over = |parent| stage(parent).is_none_or(|stage| stage == Stage::Over);
        !shard.needs_listing && shard.parents.iter().all(is_over)
    }

    /// Lets shards go whose lineage is a ring, so that each would wait for the other for ever. No order can be
    /// kept among them, since they name none; and what is not read is lost after the retention.
    pub(super) fn break_rings(&mut self) {
        let ring = self.ring();
        let Some(first) = ring.values().next().cloned() else {
            return;
        };
        let names: BTreeSet<&ShardId> = ring.values().collect();
        for &key in ring.keys() {
            let Some(shard) = self.shards.get_mut(&key) else {
                continue;
            };
            self.lineage.forget(shard);
            shard.parents.retain(|parent| !names.contains(parent));
            self.lineage.waits(shard);
        }
        self.out.report(Decision::RingBroken {
            shard: first,
            shards: ring.len(),
        });
    }

    /// Returns the waiting shards that are in a ring, or between two.
    fn ring(&self) -> BTreeMap<ShardKey, ShardId> {
        let waits_for = |parent: &ShardId| {
            let shard = self.shards.get(self.keys.get(parent)?)?;
            (shard.stage == Stage::Waiting).then_some(shard.key)
        };
        let pairs = self.lineage.waiting.iter();
        let mut up: BTreeMap<ShardKey, Vec<ShardKey>> = BTreeMap::new();
        let mut down: BTreeMap<ShardKey, Vec<ShardKey>> = BTreeMap::new();
        for (parent, child) in pairs.filter_map(|(id, key)| Some((waits_for(id)?, *key))) {
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
        let in_ring = down.into_keys().filter(|key| up.contains_key(key));
        in_ring
            .filter_map(|key| Some((key, self.shards.get(&key)?.id.clone())))
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
