//! Committing: how far a shard is settled is made durable, one commit at a time.

use std::cmp::Ordering;
use std::sync::Arc;

use super::action::{Action, CallId};
use super::answering::millis;
use super::checkpoint::{Checkpoint, Place, compare_sequences};
use super::shard::{Context, Shard, Stage};
use crate::backoff::Backoff;
use crate::decision::Decision;
use crate::excerpt::{LONGEST_TEXT, excerpt};
use crate::time::Timestamp;

/// A commit on its way.
#[derive(Debug)]
struct Commit {
    id: CallId,
    checkpoint: Checkpoint,
    /// What was settled when it was made.
    number: u64,
}

/// What a shard knows of its commits.
#[derive(Debug)]
pub(super) struct Committer {
    /// What is durable; `None` if nothing is.
    committed: Option<Checkpoint>,
    open: Option<Commit>,
    /// Counts the settlements that lanes wait for.
    number: u64,
    not_before: Option<Timestamp>,
    failures: u32,
    /// Why the last commit failed, until one succeeds.
    pub(super) problem: Option<String>,
}

impl Committer {
    pub(super) const fn new(committed: Option<Checkpoint>) -> Self {
        Self {
            committed,
            open: None,
            number: 0,
            not_before: None,
            failures: 0,
            problem: None,
        }
    }

    /// Tells whether a position of the shard is kept.
    pub(super) const fn is_durable(&self) -> bool {
        self.committed.is_some()
    }

    /// Tells whether a commit is on its way, or must be tried again.
    pub(super) const fn is_busy(&self) -> bool {
        self.open.is_some() || self.not_before.is_some()
    }

    /// Returns the number of the next commit: what was settled up to now is in it.
    pub(super) const fn needed(&mut self) -> Option<u64> {
        self.number += 1;
        Some(self.number)
    }
}

impl Shard {
    /// Begins a commit if there is something new, and none is on its way.
    pub(super) fn commit(&mut self, ctx: &mut Context<'_>) {
        self.ledger.advance();
        if self.committer.open.is_some() {
            return;
        }
        if let Some(time) = self.committer.not_before {
            if time > ctx.now {
                return ctx.wake(time, self.key);
            }
            self.committer.not_before = None;
        }
        // Where nothing is new, lanes need not wait; what they then do may be new.
        while let Some(checkpoint) = self.uncommitted(ctx) {
            let initial = self.committer.committed.is_none()
                && checkpoint == Checkpoint::at(Place::TrimHorizon);
            if !initial && self.committer.committed.as_ref() != Some(&checkpoint) {
                return self.begin_commit(ctx, checkpoint);
            }
            let number = self.committer.number;
            self.durable(ctx, number);
            self.ledger.advance();
            if self.committer.number == number {
                return;
            }
        }
    }

    /// Returns how far the shard is settled; `None` while that is not to be kept.
    fn uncommitted(&self, ctx: &Context<'_>) -> Option<Checkpoint> {
        // The function's state belongs to what is settled when its batch is settled whole.
        let in_window = ctx.config.tumbling().is_some();
        let working = self.lanes.iter().any(|lane| lane.work.is_some());
        (!in_window || !working).then(|| self.checkpoint())
    }

    fn begin_commit(&mut self, ctx: &mut Context<'_>, checkpoint: Checkpoint) {
        let id = ctx.call(self.key);
        self.committer.open = Some(Commit {
            id,
            checkpoint: checkpoint.clone(),
            number: self.committer.number,
        });
        ctx.out.actions.push_back(Action::Commit {
            id,
            identity: ctx.facts.identity.clone(),
            checkpoints: vec![(self.id.clone(), checkpoint)],
        });
    }

    /// Returns how far the shard is settled.
    fn checkpoint(&self) -> Checkpoint {
        if self.is_finished() {
            return Checkpoint::at(Place::End);
        }
        let lanes = self.settled_lanes();
        Checkpoint {
            place: self.ledger.place(),
            lanes: if lanes.iter().all(Option::is_none) {
                Vec::new()
            } else {
                lanes
            },
            window: self.window.kept(),
        }
    }

    /// Returns the last settled record of each lane beyond the settled prefix, those that were settled
    /// before a restart included.
    fn settled_lanes(&self) -> Vec<Option<Arc<str>>> {
        if self.lanes.len() < 2 {
            return Vec::new();
        }
        let place = self.ledger.place();
        let beyond = |sequence: &&Arc<str>| match &place {
            Place::After(place) => compare_sequences(sequence, place) == Ordering::Greater,
            Place::End => false,
            Place::TrimHorizon | Place::Since(_) => true,
        };
        let further = |left: &&Arc<str>, right: &&Arc<str>| compare_sequences(left, right);
        let before = self.reader.settled.iter().map(Option::as_ref);
        let before = before.chain(std::iter::repeat(None));
        let lanes = self.ledger.lane_ends().zip(before).map(|(end, before)| {
            let ends = [end, before].into_iter().flatten();
            ends.filter(beyond).max_by(further).cloned()
        });
        lanes.collect()
    }

    /// A commit ended.
    pub(super) fn committed(
        &mut self,
        ctx: &mut Context<'_>,
        id: CallId,
        result: Result<(), String>,
    ) {
        let Some(commit) = self.committer.open.take_if(|commit| commit.id == id) else {
            return;
        };
        match result {
            Ok(()) => {
                self.committer.failures = 0;
                self.committer.problem = None;
                ctx.report(Decision::Checkpointed {
                    shard: self.id.clone(),
                    place: commit.checkpoint.place.to_string(),
                });
                self.committer.committed = Some(commit.checkpoint);
                self.durable(ctx, commit.number);
                self.finish_shard(ctx);
            }
            Err(error) => {
                self.committer.failures = self.committer.failures.saturating_add(1);
                let failures = self.committer.failures;
                let wait = Backoff::SOURCE.wait(failures, &mut ctx.out.random);
                self.committer.not_before = Some(ctx.now + wait);
                let error = excerpt(&error, LONGEST_TEXT);
                self.committer.problem = Some(format!("positions cannot be kept: {error}"));
                ctx.report(Decision::CommitFailed {
                    shard: self.id.clone(),
                    error,
                    retry_ms: millis(wait),
                });
            }
        }
    }

    /// Lets the lanes go on whose settlements are durable.
    fn durable(&mut self, ctx: &mut Context<'_>, number: u64) {
        for index in 0..self.lanes.len() {
            let lane = &mut self.lanes[index];
            if lane.awaits.is_some_and(|awaited| awaited <= number) {
                lane.awaits = None;
                self.advance_lane(ctx, index);
            }
        }
    }

    fn finish_shard(&mut self, ctx: &mut Context<'_>) {
        let end = Checkpoint::at(Place::End);
        if self.committer.committed.as_ref() == Some(&end) && self.is_finished() {
            self.stage = Stage::Over;
            ctx.report(Decision::ShardEnded {
                shard: self.id.clone(),
            });
        }
    }
}
