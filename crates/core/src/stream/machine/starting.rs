//! Which shards begin: those whose parents are over.

use std::collections::{BTreeMap, BTreeSet};

use super::StreamMachine;
use crate::decision::Decision;
use crate::stream::port::ShardId;
use crate::stream::shard::{Shard, Stage};
use crate::stream::shard_discovery::lineage::MOST_CHILDREN;
use crate::stream::shard_key::ShardKey;
use crate::time::Timestamp;

/// How many shards start in one step: each is told of, and what is told takes memory until it is carried out.
const START_AT_ONCE: usize = 1_000;

impl StreamMachine {
    /// Takes the children that a shard named at its end, and those that waited for the end.
    pub(super) fn take_children(&mut self, now: Timestamp, key: ShardKey) {
        let Some(known) = self.shards.get_mut(&key) else {
            return;
        };
        let children = known.shard.take_children();
        if known.shard.stage() == Stage::Over {
            self.lineage.parent_is_over(known.shard.id());
        }
        if children.len() > MOST_CHILDREN {
            self.shared.awaits_children = true;
            return;
        }
        for child in &children {
            self.add(now, child.clone());
        }
        // A parent that is not known may be over, or too new for the last listing.
        for child in children {
            let known = child
                .parents
                .iter()
                .all(|parent| self.keys.contains_key(parent));
            let key = self.keys.get(&child.id);
            if let Some(child) = key.and_then(|key| self.shards.get_mut(key))
                && !known
                && child.shard.stage() == Stage::Waiting
            {
                child.seen.await_listing();
                self.shared.list = true;
            }
        }
    }

    /// Tells whether there are shards to be started at once.
    pub(super) fn has_starters(&self) -> bool {
        self.lineage.has_candidates() && !self.draining && !self.beginnings.are_pending()
    }

    /// Starts shards whose parents are over: a number of them at a time, and the others right after that.
    pub(super) fn start_shards(&mut self, now: Timestamp) {
        if !self.has_starters() {
            return;
        }
        for _ in 0..START_AT_ONCE {
            let Some(key) = self.lineage.next_candidate() else {
                return;
            };
            self.visits += 1;
            let Some(known) = self.shards.get(&key) else {
                continue;
            };
            let shard = &known.shard;
            let waits = known.seen.needs_listing() || !self.parents_are_over(shard);
            if shard.stage() != Stage::Waiting || waits {
                continue;
            }
            self.lineage.forget(key, shard.parents());
            self.with(now, key, Shard::start);
        }
    }

    /// Tells whether all parents of a shard are over. Those that are not known are, unless they were lost.
    fn parents_are_over(&self, shard: &Shard) -> bool {
        let stage = |parent| Some(self.shards.get(self.keys.get(parent)?)?.shard.stage());
        let is_over = |parent| match stage(parent) {
            Some(stage) => stage == Stage::Over,
            None => !self.ownership.is_lost(parent),
        };
        shard.parents().iter().all(is_over)
    }

    /// Lets shards go whose lineage is a ring, so that each would wait for the other for ever. No order can be
    /// kept among them, since they name none; and what is not read is lost after the retention.
    pub(super) fn break_rings(&mut self) {
        let waits = |name: &ShardId| {
            let shard = &self.shards.get(self.keys.get(name)?)?.shard;
            (shard.stage() == Stage::Waiting).then_some(shard.key)
        };
        let ring = self.lineage.ring(waits).into_iter();
        let ring: BTreeMap<ShardKey, ShardId> = ring
            .filter_map(|key| Some((key, self.shards.get(&key)?.shard.id().clone())))
            .collect();
        let Some(first) = ring.values().next().cloned() else {
            return;
        };
        let names: BTreeSet<&ShardId> = ring.values().collect();
        for &key in ring.keys() {
            let Some(known) = self.shards.get_mut(&key) else {
                continue;
            };
            self.lineage.forget(key, known.shard.parents());
            known.shard.forget_parents(|parent| names.contains(parent));
            self.lineage.waits(key, known.shard.parents());
        }
        self.shared.report(Decision::RingBroken {
            shard: first,
            shards: ring.len(),
        });
    }
}
