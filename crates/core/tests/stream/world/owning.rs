//! Shards that are acquired and lost.

use lambda_esm_core::stream::{Checkpoint, Input, KeptCheckpoint, ShardId};

use super::World;
use super::around::Surroundings;

impl<S: Surroundings> World<S> {
    /// Assigns a shard to the mapping, with the checkpoint that is kept.
    pub(crate) fn acquire(&mut self, shard: &ShardId, epoch: u64) {
        self.epochs.insert(shard.clone(), epoch);
        self.give(Input::Acquired {
            shard: shard.clone(),
            epoch,
            checkpoint: self.store.get(shard).cloned(),
        });
    }

    /// Takes a shard away from the mapping: from here on it may commit nothing of it.
    pub(crate) fn lose(&mut self, shard: &ShardId, epoch: u64) {
        if self.epochs.get(shard) == Some(&epoch) {
            self.epochs.insert(shard.clone(), u64::MAX);
            self.checks.lose(shard);
        }
        let shard = shard.clone();
        self.give(Input::Lost { shard, epoch });
    }

    /// Lets another owner settle a shard up to here.
    pub(crate) fn settle_elsewhere(&mut self, shard: &ShardId, checkpoint: Checkpoint) {
        let identity = self.stream.identity();
        let kept = KeptCheckpoint {
            identity,
            checkpoint,
        };
        self.store.insert(shard.clone(), kept);
    }
}
