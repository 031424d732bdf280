//! Commits: how far partitions are settled is told to the group, all that is new at once, one commit at a time.

use super::action::Action;
use super::machine::TopicMachine;
use super::port::{OwnedPartition, PartitionOffset};
use crate::backoff::Backoff;
use crate::decision::Decision;
use crate::excerpt::{LONGEST_TEXT, excerpt};
use crate::fault::{SourceError, SourceErrorKind};
use crate::stream::CallId;
use crate::time::{self, Timestamp};

impl TopicMachine {
    /// Commits what is new, unless a commit is under way.
    pub(super) fn commit(&mut self, now: Timestamp) {
        if self.committing.open.is_some() {
            return;
        }
        if self.committing.not_before.is_some_and(|time| time > now) {
            return;
        }
        self.committing.not_before = None;
        let mut offsets = Vec::new();
        for number in std::mem::take(&mut self.dirty) {
            let Some(partition) = self.partitions.get(&number) else {
                continue;
            };
            // One that is let go of takes what is new along.
            if !partition.revoking
                && let Some(offset) = partition.news()
            {
                let owned = partition.owned;
                offsets.push(PartitionOffset { owned, offset });
            } else {
                self.kept(number);
            }
        }
        if offsets.is_empty() {
            self.committing.succeeded();
            return;
        }
        let id = self.shared.next_call();
        self.committing.open = Some((id, offsets.clone()));
        self.actions.push_back(Action::Commit { id, offsets });
    }

    /// A commit ended.
    pub(super) fn committed(
        &mut self,
        now: Timestamp,
        id: CallId,
        result: Result<(), SourceError>,
    ) {
        let Some((_, offsets)) = self.committing.open.take_if(|(open, _)| *open == id) else {
            return;
        };
        match result {
            Ok(()) => {
                self.committing.succeeded();
                for PartitionOffset { owned, offset } in offsets {
                    self.is_committed(owned, offset);
                }
            }
            Err(error) => self.commit_failed(now, &offsets, error),
        }
    }

    /// An offset is durable.
    pub(super) fn is_committed(&mut self, owned: OwnedPartition, offset: i64) {
        let number = owned.partition;
        let partition = self.partitions.get_mut(&number);
        let Some(partition) = partition.filter(|partition| partition.owned == owned) else {
            return;
        };
        let events = partition.committed_by(offset);
        partition.committed = Some(offset);
        self.shared.report(Decision::OffsetCommitted {
            shard: partition.name.clone(),
            offset,
            events,
        });
        if partition.news().is_some() {
            self.dirty.insert(number);
        }
        self.kept(number);
    }

    /// What a partition has settled with a batch may be durable: then it is drawn from again.
    fn kept(&mut self, number: i32) {
        if let Some(partition) = self.partitions.get_mut(&number) {
            let committed = partition.committed;
            partition
                .awaits
                .take_if(|end| committed.is_some_and(|committed| committed >= *end));
            self.line_up(number);
        }
    }

    fn commit_failed(&mut self, now: Timestamp, offsets: &[PartitionOffset], error: SourceError) {
        let numbers = offsets.iter().map(|each| each.owned.partition);
        self.dirty.extend(numbers);
        // While the group is rebalanced nothing can be committed; that is no problem of anybody's.
        let passes = matches!(
            error.kind,
            SourceErrorKind::Throttled | SourceErrorKind::Expired
        );
        self.committing.failures = self.committing.failures.saturating_add(1);
        let failures = self.committing.failures;
        let wait = Backoff::INVOKE.wait(if passes { 1 } else { failures }, &mut self.shared.random);
        self.committing.not_before = Some(now + wait);
        let error = excerpt(&error.message, LONGEST_TEXT);
        if !passes {
            self.committing.problem = Some(format!("offsets cannot be committed: {error}"));
        }
        let first = offsets.first().map(|first| first.owned.partition);
        let known = first.and_then(|number| self.partitions.get(&number));
        let shard = known.map_or_else(|| self.name.clone(), |known| known.name.clone());
        self.shared.report(Decision::CommitFailed {
            shard,
            error,
            retry_ms: time::millis(wait),
        });
    }
}
