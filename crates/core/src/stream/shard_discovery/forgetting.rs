//! Checkpoints of shards that the stream has no more: they are forgotten once nothing depends on them.

use std::collections::BTreeSet;

use crate::stream::action::CallId;
use crate::stream::port::ShardId;

/// The shards whose checkpoints may be kept although the stream lists them no more.
#[derive(Debug, Default)]
pub(in crate::stream) struct Forgetting {
    shards: BTreeSet<ShardId>,
    /// Those that are being forgotten.
    open: Option<(CallId, BTreeSet<ShardId>)>,
}

impl Forgetting {
    /// The stream has a shard no more.
    pub(in crate::stream) fn add(&mut self, shard: ShardId) {
        self.shards.insert(shard);
    }

    /// The stream has a shard after all.
    pub(in crate::stream) fn is_back(&mut self, shard: &ShardId) {
        self.shards.remove(shard);
    }

    /// Tells whether a shard's checkpoint is being forgotten at this moment.
    pub(in crate::stream) fn is_leaving(&self, shard: &ShardId) -> bool {
        let open = self.open.as_ref();
        open.is_some_and(|(_, leaving)| leaving.contains(shard))
    }

    /// Tells whether there may be something to forget now.
    pub(in crate::stream) fn is_due(&self) -> bool {
        !self.shards.is_empty() && self.open.is_none()
    }

    /// Returns the shards to forget by the call `id`: all but those that are `needed`.
    pub(in crate::stream) fn begin(
        &mut self,
        id: impl FnOnce() -> CallId,
        needed: &BTreeSet<&ShardId>,
    ) -> Option<(CallId, Vec<ShardId>)> {
        let gone = self.shards.iter();
        let shards: BTreeSet<ShardId> = gone.filter(|id| !needed.contains(id)).cloned().collect();
        if shards.is_empty() {
            return None;
        }
        let (id, list) = (id(), shards.iter().cloned().collect());
        self.open = Some((id, shards));
        Some((id, list))
    }

    /// Checkpoints were forgotten. If not, that is tried again after the next listing.
    pub(in crate::stream) fn ended(&mut self, id: CallId, is_done: bool) {
        let Some((_, shards)) = self.open.take_if(|(open, _)| *open == id) else {
            return;
        };
        if is_done {
            for shard in shards {
                self.shards.remove(&shard);
            }
        }
    }
}
