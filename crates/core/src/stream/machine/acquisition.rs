//! Shards that are acquired and lost; see [`Ownership`](crate::stream::ownership::Ownership).

use super::StreamMachine;
use super::discovery::beginning;
use crate::decision::Decision;
use crate::mapping::StartingPosition;
use crate::stream::checkpoint::KeptCheckpoint;
use crate::stream::port::{Shard as Listed, ShardId};
use crate::stream::shard::Shard;
use crate::time::Timestamp;

impl StreamMachine {
    /// The process owns a shard from now on.
    pub(super) fn acquired(
        &mut self,
        now: Timestamp,
        shard: ShardId,
        epoch: u64,
        checkpoint: Option<KeptCheckpoint>,
    ) {
        if !self.ownership.acquire(&shard, epoch, checkpoint.is_none()) {
            return;
        }
        // It was owned under an older epoch, and nobody said that it was lost.
        self.drop_shard(now, &shard);
        self.kept.remove(&shard);
        self.shared.report(Decision::ShardAcquired {
            shard: shard.clone(),
            epoch,
        });
        let identity = self.stream.as_ref().map(|stream| &stream.facts.identity);
        let fits =
            |kept: &KeptCheckpoint| identity.is_none_or(|identity| kept.identity == *identity);
        // That of a stream that is no more says nothing: this one begins with its oldest record.
        if let Some(checkpoint) = checkpoint.filter(fits) {
            self.kept.insert(shard.clone(), checkpoint);
        }
        if let Some(listed) = self.ownership.take(&shard) {
            self.add(now, listed);
            // Its next owner may have come to its end.
            self.lineage.parent_is_over(&shard);
        } else {
            // It may be newer than the last listing.
            self.shared.list = true;
        }
    }

    /// The process owns a shard no more.
    pub(super) fn lost(&mut self, now: Timestamp, shard: &ShardId, epoch: u64) {
        if !self.ownership.lose(shard, epoch) {
            return;
        }
        self.kept.remove(shard);
        let abandoned = self.drop_shard(now, shard);
        self.shared.report(Decision::ShardLost {
            shard: shard.clone(),
            epoch,
            abandoned,
        });
    }

    /// Drops all that there is of a shard. Returns how many of its records were not settled.
    fn drop_shard(&mut self, now: Timestamp, shard: &ShardId) -> usize {
        let Some(key) = self.keys.remove(shard) else {
            return 0;
        };
        self.with(now, key, Shard::forgo_turns);
        self.totals.forget(key);
        let Some(known) = self.shards.remove(&key) else {
            return 0;
        };
        self.lineage.forget(key, known.shard.parents());
        let abandoned = known.shard.unsettled();
        self.ownership.found(known.shard.into_listed());
        abandoned
    }

    /// Begins a shard that nobody has settled anything of, where the mapping says.
    pub(super) fn begin_assigned(&mut self, now: Timestamp, listed: Listed, epoch: u64) {
        let Some(stream) = &self.stream else { return };
        let latest = stream.clock.before(now);
        let checkpoint = beginning(self.config.start, latest, &listed);
        let open = !listed.closed;
        let key = self.insert(listed, epoch, (checkpoint, false));
        let latest = open && self.config.start == StartingPosition::Latest;
        if let Some(known) = self.shards.get_mut(&key).filter(|_| latest) {
            known.shard.start_at_latest(now);
        }
    }
}
