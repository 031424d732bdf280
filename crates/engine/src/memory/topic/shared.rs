//! What the clones of a topic and its consumers share.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use lambda_esm_core::Timestamp;
use lambda_esm_core::fault::SourceError;
use tokio::sync::Notify;

use super::balance::MemberId;
use super::faults::Faults;
use super::group::{Group, Rebalance};
use super::log::PartitionLog;
use super::options::MemoryTopicOptions;
use crate::clock::Clock;
use crate::ports::GroupEvent;

#[derive(Debug)]
pub(super) struct Shared {
    pub(super) name: String,
    pub(super) clock: Clock,
    pub(super) options: MemoryTopicOptions,
    inner: Mutex<Inner>,
    /// Wakes all who wait for records or events.
    pub(super) changed: Notify,
}

#[derive(Debug)]
pub(super) struct Inner {
    pub(super) logs: Vec<PartitionLog>,
    pub(super) groups: BTreeMap<String, Group>,
    pub(super) faults: Faults,
    /// What is wrong with the cluster, until it is put right.
    pub(super) problem: Option<SourceError>,
    /// The last member that joined.
    pub(super) members: MemberId,
    /// The last epoch that was given out.
    epoch: u64,
    /// How many records without a key were put.
    pub(super) keyless: usize,
}

impl Shared {
    pub(super) fn new(clock: Clock, name: String, options: MemoryTopicOptions) -> Self {
        let logs = std::iter::repeat_with(PartitionLog::default);
        let inner = Mutex::new(Inner {
            logs: logs.take(options.partitions.max(1)).collect(),
            groups: BTreeMap::new(),
            faults: Faults::default(),
            problem: None,
            members: 0,
            epoch: 0,
            keyless: 0,
        });
        Self {
            name,
            clock,
            options,
            inner,
            changed: Notify::new(),
        }
    }

    /// Looks at the topic as it is now. Who waits hears of what time has changed.
    pub(super) fn look<T>(&self, look: impl FnOnce(&mut Inner, Timestamp) -> T) -> T {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        // The time is asked for under the lock, so that it never runs backwards.
        let now = self.clock.now();
        for log in &mut inner.logs {
            log.trim(now, self.options.retention);
        }
        let mut lost = false;
        inner.for_groups(&self.options, now, |group, with| {
            lost |= group.lose_overdue(with);
        });
        let result = look(&mut inner, now);
        drop(inner);
        if lost {
            self.changed.notify_waiters();
        }
        result
    }

    /// Changes the topic, and wakes all who wait.
    pub(super) fn change<T>(&self, change: impl FnOnce(&mut Inner, Timestamp) -> T) -> T {
        let result = self.look(change);
        self.changed.notify_waiters();
        result
    }
}

impl Inner {
    /// Returns a group, and what it needs to share the partitions out.
    pub(super) fn group(
        &mut self,
        name: &str,
        options: &MemoryTopicOptions,
        now: Timestamp,
    ) -> (&mut Group, Rebalance<'_>) {
        let with = Rebalance {
            logs: &self.logs,
            epoch: &mut self.epoch,
            now,
            revoke_bound: options.revoke_bound,
        };
        (self.groups.entry(name.to_owned()).or_default(), with)
    }

    pub(super) fn for_groups(
        &mut self,
        options: &MemoryTopicOptions,
        now: Timestamp,
        mut act: impl FnMut(&mut Group, &mut Rebalance<'_>),
    ) {
        let mut with = Rebalance {
            logs: &self.logs,
            epoch: &mut self.epoch,
            now,
            revoke_bound: options.revoke_bound,
        };
        for group in self.groups.values_mut() {
            act(group, &mut with);
        }
    }

    /// Fails as long as something is wrong with the cluster.
    pub(super) fn works(&self) -> Result<(), SourceError> {
        self.problem.clone().map_or(Ok(()), Err)
    }

    /// Says what is wrong with the cluster; `None` if that is over.
    pub(super) fn set_problem(&mut self, problem: Option<SourceError>) {
        let event = match (&problem, &self.problem) {
            (Some(problem), _) => GroupEvent::Problem(problem.clone()),
            (None, Some(_)) => GroupEvent::Recovered,
            (None, None) => return,
        };
        self.problem = problem;
        for group in self.groups.values_mut() {
            group.tell_all(&event);
        }
    }
}
