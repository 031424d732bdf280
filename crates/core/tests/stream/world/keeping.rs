//! What is kept across restarts, and what is forgotten.

use std::time::Duration;

use lambda_esm_core::stream::{
    CallId, Checkpoint, Input, KeptCheckpoint, ShardCheckpoint, ShardId,
};

use super::around::{Happening, Surroundings, Watched};
use super::{Pending, World};

impl<S: Surroundings> World<S> {
    pub(super) fn commit(
        &mut self,
        id: CallId,
        identity: String,
        checkpoints: Vec<ShardCheckpoint>,
    ) {
        let keeping = self.surroundings.commit(self.now);
        for ShardCheckpoint {
            shard,
            epoch,
            checkpoint,
        } in checkpoints
        {
            let owned = self.epochs.get(&shard).copied().unwrap_or(0);
            assert_eq!(epoch, owned, "{shard} is committed under an old epoch");
            self.checks
                .commits(self.store.get(&shard), &identity, &shard, &checkpoint);
            self.tell(&Watched::Committed(&shard, &checkpoint, keeping.kept));
            if !keeping.kept {
                continue;
            }
            self.note(Happening::Commit(shard.clone(), checkpoint.clone()));
            let text = checkpoint.to_text();
            let kept = KeptCheckpoint {
                identity: identity.clone(),
                checkpoint: Checkpoint::from_text(&text).expect("a checkpoint that can be kept"),
            };
            self.store.insert(shard, kept);
        }
        let result = keeping.result;
        self.later(
            keeping.after,
            Pending::Input(Input::Committed { id, result }),
        );
    }

    pub(super) fn forget(&mut self, id: CallId, shards: &[ShardId]) {
        self.checks.forgets(&self.stream, &self.store, shards);
        self.store.retain(|shard, _| !shards.contains(shard));
        let result = Ok(());
        let answer = Pending::Input(Input::Forgotten { id, result });
        self.later(Duration::ZERO, answer);
    }
}
