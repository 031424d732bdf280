//! Where the shards of a new mapping begin, if not with their oldest records. That is made durable before any is read:
//! after a restart they must not be taken for shards that were found later, which begin with their oldest records.

use crate::backoff::{Backoff, Random};
use crate::stream::action::{CallId, ShardCheckpoint};
use crate::stream::port::ShardId;
use crate::time::Timestamp;
use std::time::Duration;

/// The beginnings of a new mapping on their way to the store.
#[derive(Debug, Default)]
pub(in crate::stream) struct Beginnings {
    /// The commit under way; `None` while a failed one waits.
    open: Option<CallId>,
    /// Empty once they are durable.
    checkpoints: Vec<ShardCheckpoint>,
    failures: u32,
    not_before: Timestamp,
    /// Why they cannot be kept, while that is so.
    problem: Option<String>,
}

impl Beginnings {
    /// Returns beginnings to be made durable.
    pub(in crate::stream) fn new(now: Timestamp, checkpoints: Vec<ShardCheckpoint>) -> Self {
        Self {
            checkpoints,
            not_before: now,
            ..Self::default()
        }
    }

    /// Tells whether they are not durable yet.
    pub(in crate::stream) const fn are_pending(&self) -> bool {
        !self.checkpoints.is_empty()
    }

    /// Tells whether this call keeps them.
    pub(in crate::stream) fn are_kept_by(&self, id: CallId) -> bool {
        self.open == Some(id)
    }

    /// Returns why they cannot be kept, while that is so.
    pub(in crate::stream) const fn problem(&self) -> Option<&String> {
        self.problem.as_ref()
    }

    /// Returns when to commit them, unless that is being done.
    pub(in crate::stream) fn next_deadline(&self) -> Option<Timestamp> {
        (self.are_pending() && self.open.is_none()).then_some(self.not_before)
    }

    /// Commits them by the call `id`. Returns what to commit.
    pub(in crate::stream) fn commit(&mut self, id: CallId) -> Vec<ShardCheckpoint> {
        self.open = Some(id);
        self.checkpoints.clone()
    }

    /// They are durable.
    pub(in crate::stream) fn succeeded(&mut self) {
        *self = Self::default();
    }

    /// They could not be kept. Returns after which wait that is tried again, and one of the shards.
    pub(in crate::stream) fn failed(
        &mut self,
        now: Timestamp,
        error: &str,
        random: &mut Random,
    ) -> Option<(Duration, ShardId)> {
        self.open = None;
        self.failures = self.failures.saturating_add(1);
        let wait = Backoff::SOURCE.wait(self.failures, random);
        self.not_before = now + wait;
        self.problem = Some(format!("positions cannot be kept: {error}"));
        let first = self.checkpoints.first()?;
        Some((wait, first.shard.clone()))
    }
}
