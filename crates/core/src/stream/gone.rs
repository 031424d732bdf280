//! Positions of shards that the stream has no more: they are forgotten once nothing depends on them.

use std::collections::BTreeSet;

use super::action::{Action, CallId};
use super::machine::StreamMachine;
use super::port::ShardId;

/// The shards whose positions may be kept although the stream lists them no more.
#[derive(Debug, Default)]
pub(super) struct Gone {
    shards: BTreeSet<ShardId>,
    /// Those that are being forgotten.
    open: Option<(CallId, BTreeSet<ShardId>)>,
}

impl Gone {
    pub(super) fn add(&mut self, shard: ShardId) {
        self.shards.insert(shard);
    }

    /// Tells whether a shard's position is being forgotten at this moment.
    pub(super) fn is_leaving(&self, shard: &ShardId) -> bool {
        let open = self.open.as_ref();
        open.is_some_and(|(_, leaving)| leaving.contains(shard))
    }

    /// The stream has a shard after all.
    pub(super) fn is_back(&mut self, shard: &ShardId) {
        self.shards.remove(shard);
    }
}

impl StreamMachine {
    /// Has positions forgotten. Not before the children have durable ones; and never the last one, since a
    /// mapping without any is taken for a new one, which may begin with its newest records.
    pub(super) fn forget_gone(&mut self) {
        if self.gone.shards.is_empty() || self.gone.open.is_some() || self.is_beginning() {
            return;
        }
        let shards = self.shards.values();
        let (kept, unkept): (Vec<_>, Vec<_>) =
            shards.partition(|shard| shard.committer.is_durable());
        if kept.is_empty() {
            return;
        }
        let needed: BTreeSet<&ShardId> = unkept.iter().flat_map(|child| &child.parents).collect();
        let gone = self.gone.shards.iter();
        let shards: BTreeSet<ShardId> = gone.filter(|id| !needed.contains(id)).cloned().collect();
        if shards.is_empty() {
            return;
        }
        let id = self.out.next_call();
        let action = Action::Forget {
            id,
            shards: shards.iter().cloned().collect(),
        };
        self.gone.open = Some((id, shards));
        self.out.actions.push_back(action);
    }

    /// Positions were forgotten. If not, that is tried again after the next listing.
    pub(super) fn forgotten(&mut self, id: CallId, result: Result<(), String>) {
        let Some((_, shards)) = self.gone.open.take_if(|(open, _)| *open == id) else {
            return;
        };
        if result.is_ok() {
            for shard in shards {
                self.gone.shards.remove(&shard);
            }
        }
    }
}
