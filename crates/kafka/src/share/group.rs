//! A member of a share group: what its tasks and its callers share.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use lambda_esm_core::fault::{SourceError, SourceErrorKind};
use lambda_esm_engine::ports::{Received, Settlement};
use tokio::sync::{Notify, watch};
use tokio::time::{Instant, timeout, timeout_at};
use uuid::Uuid;

use super::cluster::{Cluster, GroupSettings};
use super::lock_book::{LockBook, Place};

/// How much longer than its time a receive waits for what was fetched for it: a broker that lives answers sooner.
const LATE: Duration = Duration::from_secs(2);

/// Who reports a problem.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Reporter {
    Membership,
    Session(i32),
}

/// One member, with a session for each broker that leads a partition.
pub(super) struct Group {
    pub(super) cluster: Cluster,
    pub(super) member: String,
    state: Mutex<State>,
    /// A fetch is over, or there is a problem.
    arrived: Notify,
    /// Who leads a partition may have changed.
    pub(super) moved: Notify,
    pub(super) closing: watch::Sender<bool>,
    pub(super) ended: watch::Sender<bool>,
}

/// A problem, and the number of the report.
struct Problem {
    report: u64,
    error: SourceError,
}

/// What is behind the lock.
pub(super) struct State {
    pub(super) book: LockBook,
    /// The partitions that the member is to read.
    pub(super) assigned: Vec<Place>,
    problems: BTreeMap<Reporter, Problem>,
    /// Counts the reports of problems.
    reports: u64,
    /// What wakes the session with a broker.
    pub(super) sessions: BTreeMap<i32, Arc<Notify>>,
    /// Counts the sessions.
    pub(super) opened: u64,
}

impl Group {
    /// Returns a member that has not joined yet.
    pub(super) fn new(cluster: Cluster, settings: GroupSettings) -> Self {
        let member = Uuid::new_v4().to_string();
        let book = LockBook::new(member.clone(), settings);
        Self {
            cluster,
            member,
            state: Mutex::new(State {
                book,
                assigned: Vec::new(),
                problems: BTreeMap::new(),
                reports: 0,
                sessions: BTreeMap::new(),
                opened: 0,
            }),
            arrived: Notify::new(),
            moved: Notify::new(),
            closing: watch::channel(false).0,
            ended: watch::channel(false).0,
        }
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Receives up to `max` records, and waits for the first one until `wait` is over. What was fetched for it until then may
    /// still come, and nobody else would ask for it: so that is waited for too.
    ///
    /// A problem that does not pass by itself ends it at once, but for one that a session has told of before: a session tries
    /// again for a receive alone.
    pub(super) async fn receive(
        &self,
        max: usize,
        wait: Duration,
    ) -> Result<Received, SourceError> {
        let mut deadline = Instant::now() + wait;
        let known = self.state().reports;
        let mut want = Some(Want::new(self, max));
        // The last fetch that it waits for, once its time is over.
        let mut last = None;
        loop {
            let more = self.arrived.notified();
            tokio::pin!(more);
            more.as_mut().enable();
            {
                let mut state = self.state();
                if let Some(received) = state.book.take(Instant::now(), max) {
                    return Ok(received);
                }
                let ends = |(reporter, problem): &(&Reporter, &Problem)| {
                    let lasts = problem.error.kind != SourceErrorKind::Transient;
                    let is_new = **reporter == Reporter::Membership || problem.report > known;
                    last.is_some() || (lasts && is_new)
                };
                if let Some((_, problem)) = state.problems.iter().find(ends) {
                    return Err(problem.error.clone());
                }
                if last.is_some_and(|last| state.book.has_ended(last)) {
                    return Ok(Received::default());
                }
            }
            if timeout_at(deadline, more).await.is_err() {
                if last.is_some() {
                    return Ok(Received::default());
                }
                drop(want.take());
                last = Some(self.state().book.last_fetch());
                deadline += LATE;
            }
        }
    }

    /// Settles deliveries, and waits until brokers have answered.
    pub(super) async fn settle(&self, settlements: &[Settlement]) -> Vec<Result<(), SourceError>> {
        let settling = {
            let mut state = self.state();
            let (settling, brokers) = state.book.settle(Instant::now(), settlements);
            for broker in brokers {
                match state.sessions.get(&broker) {
                    Some(session) => session.notify_one(),
                    None => self.moved.notify_one(),
                }
            }
            settling
        };
        settling.wait().await
    }

    /// Takes note of a problem.
    pub(super) fn report(&self, reporter: Reporter, error: SourceError) {
        let mut state = self.state();
        state.reports += 1;
        let report = state.reports;
        state.problems.insert(reporter, Problem { report, error });
        drop(state);
        self.arrived.notify_waiters();
    }

    /// Takes note that a problem is over.
    pub(super) fn recovered(&self, reporter: Reporter) {
        self.state().problems.remove(&reporter);
    }

    /// Tells whether brokers do not let the member in.
    pub(super) fn is_denied(&self) -> bool {
        let state = self.state();
        let mut problems = state.problems.values();
        problems.any(|problem| problem.error.kind == SourceErrorKind::Denied)
    }

    /// Tells receives to look whether something has arrived.
    pub(super) fn tell_arrived(&self) {
        self.arrived.notify_waiters();
    }

    /// Wakes all sessions.
    pub(super) fn wake(&self) {
        for session in self.state().sessions.values() {
            session.notify_one();
        }
    }

    /// Begins to leave: what is held goes back to the group.
    pub(super) fn leave(&self) {
        self.closing.send_replace(true);
    }

    /// Leaves, and waits for that until `bound` is over.
    pub(super) async fn close(&self, bound: Duration) {
        self.leave();
        let mut ended = self.ended.subscribe();
        let left = timeout(bound, ended.wait_for(|ended| *ended)).await;
        if left.is_err() {
            tracing::warn!(
                group = self.cluster.group,
                "the share group was not left in time: it forgets the member by itself"
            );
        }
    }
}

/// An open receive.
struct Want<'a> {
    group: &'a Group,
    number: u64,
}

impl<'a> Want<'a> {
    fn new(group: &'a Group, max: usize) -> Self {
        let number = group.state().book.want(max);
        group.wake();
        Self { group, number }
    }
}

impl Drop for Want<'_> {
    fn drop(&mut self) {
        self.group.state().book.want_no_more(self.number);
        self.group.wake();
    }
}
