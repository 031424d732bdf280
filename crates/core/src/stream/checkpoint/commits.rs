//! Commits: how far a shard is settled is made durable, one commit at a time, before the next batch of each lane that
//! waits for it.

use super::Checkpoint;
use crate::backoff::Backoff;
use crate::decision::Decision;
use crate::excerpt::{LONGEST_TEXT, excerpt};
use crate::stream::action::{Action, CallId, ShardCheckpoint};
use crate::stream::context::Context;
use crate::stream::port::Start;
use crate::time::{self, Timestamp};

/// A commit on its way.
#[derive(Debug)]
struct Commit {
    id: CallId,
    checkpoint: Checkpoint,
    /// What was settled when it was made.
    settlements: u64,
}

/// The commits of one shard, and who waits for them.
#[derive(Debug)]
pub(in crate::stream) struct Commits {
    /// What is durable; `None` if nothing is.
    committed: Option<Checkpoint>,
    open: Option<Commit>,
    /// Counts the batches that ended.
    settlements: u64,
    /// By lane, the settlement that must be durable before its next batch begins.
    awaited: Vec<Option<u64>>,
    not_before: Option<Timestamp>,
    failures: u32,
    /// Why the last commit failed, until one succeeds.
    problem: Option<String>,
}

impl Commits {
    /// Returns the commits of a shard with so many lanes, of which `committed` is durable.
    pub(in crate::stream) fn new(committed: Option<Checkpoint>, lanes: usize) -> Self {
        Self {
            committed,
            open: None,
            settlements: 0,
            awaited: vec![None; lanes],
            not_before: None,
            failures: 0,
            problem: None,
        }
    }

    /// Returns what is durable.
    pub(in crate::stream) const fn committed(&self) -> Option<&Checkpoint> {
        self.committed.as_ref()
    }

    /// Tells whether a commit is on its way, or must be tried again.
    pub(in crate::stream) const fn is_busy(&self) -> bool {
        self.open.is_some() || self.not_before.is_some()
    }

    /// Returns why the last commit failed, until one succeeds.
    pub(in crate::stream) const fn problem(&self) -> Option<&String> {
        self.problem.as_ref()
    }

    /// A lane has settled its batch: its next one waits until that is durable.
    pub(in crate::stream) fn batch_ended(&mut self, lane: usize) {
        self.settlements += 1;
        self.awaited[lane] = Some(self.settlements);
    }

    /// Tells whether a lane waits.
    pub(in crate::stream) fn are_awaited_by(&self, lane: usize) -> bool {
        self.awaited[lane].is_some()
    }

    /// Returns how many batches have ended so far.
    pub(in crate::stream) const fn settlements(&self) -> u64 {
        self.settlements
    }

    /// Tells whether a lane waits for one of the first so many settlements, and then waits no more.
    pub(in crate::stream) fn release(&mut self, lane: usize, settlements: u64) -> bool {
        let awaited = self.awaited[lane].take_if(|awaited| *awaited <= settlements);
        awaited.is_some()
    }

    /// Tells whether a commit may begin now.
    pub(in crate::stream) fn may_begin(&mut self, ctx: &mut Context<'_>) -> bool {
        if self.open.is_some() {
            return false;
        }
        if let Some(time) = self.not_before {
            if time > ctx.now {
                ctx.wake(time);
                return false;
            }
            self.not_before = None;
        }
        true
    }

    /// Tells whether `checkpoint` says more than what is durable.
    pub(in crate::stream) fn is_news(&self, checkpoint: &Checkpoint) -> bool {
        match &self.committed {
            Some(committed) => committed != checkpoint,
            None => *checkpoint != Checkpoint::at(Start::TrimHorizon),
        }
    }

    pub(in crate::stream) fn begin(&mut self, ctx: &mut Context<'_>, checkpoint: Checkpoint) {
        let id = ctx.call();
        self.open = Some(Commit {
            id,
            checkpoint: checkpoint.clone(),
            settlements: self.settlements,
        });
        ctx.act(Action::Commit {
            id,
            identity: ctx.facts.identity.clone(),
            checkpoints: vec![ShardCheckpoint {
                shard: ctx.shard.clone(),
                epoch: ctx.epoch,
                checkpoint,
            }],
        });
    }

    /// A commit ended. Returns how many settlements are durable now, if it is one of this shard and succeeded.
    pub(in crate::stream) fn answered(
        &mut self,
        ctx: &mut Context<'_>,
        id: CallId,
        result: Result<(), String>,
    ) -> Option<u64> {
        let commit = self.open.take_if(|commit| commit.id == id)?;
        if let Err(error) = result {
            self.failures = self.failures.saturating_add(1);
            let wait = Backoff::SOURCE.wait(self.failures, &mut ctx.shared.random);
            self.not_before = Some(ctx.now + wait);
            let error = excerpt(&error, LONGEST_TEXT);
            self.problem = Some(format!("positions cannot be kept: {error}"));
            ctx.report(Decision::CommitFailed {
                shard: ctx.shard.clone(),
                error,
                retry_ms: time::millis(wait),
            });
            return None;
        }
        self.failures = 0;
        self.problem = None;
        ctx.report(Decision::Checkpointed {
            shard: ctx.shard.clone(),
            place: commit.checkpoint.describe(),
        });
        self.committed = Some(commit.checkpoint);
        Some(commit.settlements)
    }
}
