//! What a member knows of its group: which partitions it owns under which epochs, and what is being asked back.
//!
//! Shared by the thread that polls the client and by whoever reads, commits and lets go.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use lambda_esm_core::fault::{ReasonCode, SourceError, SourceErrorKind};
use lambda_esm_engine::ports::{Assignment, GroupEvent, OwnedPartition, PartitionOffset};
use tokio::sync::{Notify, oneshot};
use tokio::time::Instant;

/// How long a rebalance is taken to last whose end is not heard of.
const REBALANCE: Duration = Duration::from_secs(30);

/// The state of a membership. `R` reads a partition.
pub(super) struct Group<R> {
    state: Mutex<State<R>>,
    /// There is an event.
    told: Notify,
    /// Something was let go of, or the member leaves.
    changed: Condvar,
}

struct State<R> {
    epochs: u64,
    owned: BTreeMap<i32, (u64, Arc<R>)>,
    /// Assigned, and not begun yet; maybe none, which is to be taken note of, too.
    to_begin: Option<BTreeSet<i32>>,
    events: VecDeque<GroupEvent>,
    revocation: Option<Revocation>,
    /// How many commits are on their way.
    sending: usize,
    /// A rebalance is on until its assignment, or until then.
    rebalancing: Option<Instant>,
    problem: Option<SourceError>,
    /// The topic may not be read, as far as is known, whatever else has become a problem meanwhile: it is told once.
    may_not_read: bool,
    /// The client cannot go on.
    broken: bool,
    leaving: bool,
    ended: bool,
}

#[derive(Default)]
struct Revocation {
    /// Nobody has let go of them yet.
    held: BTreeMap<i32, u64>,
    offsets: BTreeMap<i32, i64>,
    waiting: Vec<oneshot::Sender<Result<(), SourceError>>>,
}

/// A commit that may be sent, and is on its way until this is dropped.
pub(super) struct Sending<R>(Arc<Group<R>>);

impl<R> Drop for Sending<R> {
    fn drop(&mut self) {
        self.0.lock().sending -= 1;
        self.0.changed.notify_all();
    }
}

/// Returns the error of what is done under an old assignment.
pub(super) fn expired(owned: OwnedPartition) -> SourceError {
    SourceError::new(
        SourceErrorKind::Expired,
        format!("partition {} is owned no more", owned.partition),
    )
}

impl<R> State<R> {
    /// Tells whether only reading shows that the problem is over.
    fn only_reading_shows(&self) -> bool {
        self.may_not_read && !self.owned.is_empty()
    }
}

impl<R> Group<R> {
    /// Returns the state of somebody who is about to join.
    pub(super) fn new() -> Self {
        Self {
            state: Mutex::new(State {
                epochs: 0,
                owned: BTreeMap::new(),
                to_begin: None,
                events: VecDeque::new(),
                revocation: None,
                sending: 0,
                rebalancing: None,
                problem: None,
                may_not_read: false,
                broken: false,
                leaving: false,
                ended: false,
            }),
            told: Notify::new(),
            changed: Condvar::new(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State<R>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tell(&self, state: &mut State<R>, event: GroupEvent) {
        state.events.push_back(event);
        self.told.notify_one();
    }

    /// Waits for the next event, and returns it.
    pub(super) async fn next_event(&self) -> GroupEvent {
        loop {
            if let Some(event) = self.lock().events.pop_front() {
                return event;
            }
            self.told.notified().await;
        }
    }

    /// Tells of a problem, unless it is the one that is known, or follows from it: a broker that refuses a client is not
    /// reached either.
    pub(super) fn problem(&self, problem: SourceError) {
        let mut state = self.lock();
        if let Some(known) = &state.problem {
            let follows =
                known.kind == SourceErrorKind::Denied && problem.kind == SourceErrorKind::Transient;
            if follows || *known == problem {
                return;
            }
        }
        state.may_not_read |= problem.reason == Some(ReasonCode::Authorization);
        state.problem = Some(problem.clone());
        self.tell(&mut state, GroupEvent::Problem(problem));
    }

    /// Returns the kind of the problem that there is.
    pub(super) fn has_problem(&self) -> Option<SourceErrorKind> {
        self.lock().problem.as_ref().map(|problem| problem.kind)
    }

    /// Returns the problem that there is, unless only reading shows that it is over.
    pub(super) fn problem_to_look_after(&self) -> Option<SourceError> {
        let state = self.lock();
        let problem = state.problem.clone();
        problem.filter(|_| !state.only_reading_shows())
    }

    /// Tells that this problem is over, unless it has become another one meanwhile.
    pub(super) fn recovered_from(&self, problem: &SourceError) {
        let mut state = self.lock();
        if state.problem.as_ref() == Some(problem) && !state.only_reading_shows() {
            self.recover(&mut state);
        }
    }

    /// Tells that the problem is over, if there was one.
    pub(super) fn recovered(&self) {
        self.recover(&mut self.lock());
    }

    fn recover(&self, state: &mut State<R>) {
        state.may_not_read = false;
        if state.problem.take().is_some() {
            self.tell(state, GroupEvent::Recovered);
        }
    }

    /// Returns the reader of a partition that is owned under that epoch.
    pub(super) fn reader(&self, owned: OwnedPartition) -> Result<Arc<R>, SourceError> {
        match self.lock().owned.get(&owned.partition) {
            Some((epoch, reader)) if *epoch == owned.epoch => Ok(Arc::clone(reader)),
            _ => Err(expired(owned)),
        }
    }

    /// Returns the partitions that are owned.
    pub(super) fn owned(&self) -> Vec<i32> {
        self.lock().owned.keys().copied().collect()
    }

    /// Checks that a commit may be sent now, and notes that it is.
    pub(super) fn send(
        self: &Arc<Self>,
        offsets: &[PartitionOffset],
    ) -> Result<Sending<R>, SourceError> {
        let mut state = self.lock();
        for PartitionOffset { owned, .. } in offsets {
            match state.owned.get(&owned.partition) {
                Some((epoch, _)) if *epoch == owned.epoch => {}
                _ => return Err(expired(*owned)),
            }
        }
        match state.rebalancing {
            Some(until) if Instant::now() < until => Err(SourceError::new(
                SourceErrorKind::Throttled,
                "the group is being rebalanced: what is not committed is delivered again",
            )),
            _ => {
                state.sending += 1;
                Ok(Sending(Arc::clone(self)))
            }
        }
    }

    /// Notes that a rebalance is on: nothing is committed until its assignment.
    pub(super) fn rebalance_begins(&self) {
        self.lock().rebalancing = Some(Instant::now() + REBALANCE);
    }

    /// Notes that a rebalance is over.
    pub(super) fn rebalance_ends(&self) {
        self.lock().rebalancing = None;
    }

    /// Notes partitions that were assigned, to be begun. They may be none: the rebalance has brought nothing new.
    pub(super) fn assigned(&self, partitions: impl IntoIterator<Item = i32>) {
        let mut state = self.lock();
        state.to_begin.get_or_insert_default().extend(partitions);
    }

    /// Returns the partitions that are to be begun; `None` if there was no assignment since the last one was begun.
    pub(super) fn to_begin(&self) -> Option<Vec<i32>> {
        let state = self.lock();
        let to_begin = state.to_begin.as_ref()?;
        Some(to_begin.iter().copied().collect())
    }

    /// Returns a new epoch.
    pub(super) fn next_epoch(&self) -> u64 {
        let mut state = self.lock();
        state.epochs += 1;
        state.epochs
    }

    /// Notes that partitions are read from now on, and tells so.
    pub(super) fn begun(&self, readers: Vec<(Assignment, R)>) {
        let mut state = self.lock();
        state.rebalancing = None;
        state.to_begin = None;
        let mut told = Vec::with_capacity(readers.len());
        for (assignment, reader) in readers {
            let OwnedPartition { partition, epoch } = assignment.owned;
            state.owned.insert(partition, (epoch, Arc::new(reader)));
            told.push(assignment);
        }
        self.tell(&mut state, GroupEvent::Assigned(told));
    }

    /// Begins to give partitions back, and returns those that are owned; the others were not begun. If they are `lost`
    /// already, nothing is waited for.
    pub(super) fn revoke(&self, partitions: &[i32], lost: bool) -> Vec<i32> {
        let mut state = self.lock();
        if let Some(to_begin) = &mut state.to_begin {
            to_begin.retain(|partition| !partitions.contains(partition));
        }
        let mut held = BTreeMap::new();
        for partition in partitions {
            if let Some((epoch, _)) = state.owned.get(partition) {
                held.insert(*partition, *epoch);
            }
        }
        let asked: Vec<i32> = held.keys().copied().collect();
        if !lost && !asked.is_empty() {
            let event = GroupEvent::Revoking(all(&held));
            self.tell(&mut state, event);
        }
        state.revocation = Some(Revocation {
            held,
            ..Revocation::default()
        });
        asked
    }

    /// Waits until all that was asked for is let go of, and returns the offsets to be committed. A commit that is on its
    /// way is waited for, too: if it came later, the offsets would go back. Ends when the bound is over, or the member
    /// leaves.
    pub(super) fn wait_let_go(&self, bound: Duration) -> Vec<(i32, i64)> {
        let open = |state: &mut State<R>| {
            let held = state.revocation.as_ref().map(|asked| asked.held.len());
            let busy = held.unwrap_or_default() > 0 || state.sending > 0;
            busy && !state.leaving
        };
        let waited = self.changed.wait_timeout_while(self.lock(), bound, open);
        let (state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        let offsets = state.revocation.as_ref().map(|asked| &asked.offsets);
        let offsets = offsets.into_iter().flatten();
        offsets
            .map(|(partition, offset)| (*partition, *offset))
            .collect()
    }

    /// Ends a revocation: what was asked for is owned no more. Returns its readers, to be ended.
    pub(super) fn revoked(
        &self,
        partitions: &[i32],
        committed: Result<(), SourceError>,
    ) -> Vec<Arc<R>> {
        let mut state = self.lock();
        let mut readers = Vec::with_capacity(partitions.len());
        for partition in partitions {
            readers.extend(state.owned.remove(partition).map(|(_, reader)| reader));
        }
        let Some(Revocation { held, waiting, .. }) = state.revocation.take() else {
            return readers;
        };
        if !held.is_empty() {
            let event = GroupEvent::Lost(all(&held));
            self.tell(&mut state, event);
        }
        for caller in waiting {
            // Whoever has hung up does not want to know.
            drop(caller.send(committed.clone()));
        }
        readers
    }

    /// Lets go of partitions that were asked for, with the offsets to be committed. What is returned becomes ready once
    /// they are lost.
    pub(super) fn let_go(
        &self,
        partitions: &[OwnedPartition],
        offsets: &[PartitionOffset],
    ) -> Result<oneshot::Receiver<Result<(), SourceError>>, SourceError> {
        let mut state = self.lock();
        let (answer, answered) = oneshot::channel();
        let revocation = state.revocation.as_mut();
        let asked = revocation.filter(|asked| {
            let held =
                |owned: &OwnedPartition| asked.held.get(&owned.partition) == Some(&owned.epoch);
            partitions.iter().all(held) && offsets.iter().all(|given| held(&given.owned))
        });
        let Some(asked) = asked else {
            return Err(SourceError::new(
                SourceErrorKind::Expired,
                "the group has not asked for these partitions, or has taken them",
            ));
        };
        for given in offsets {
            asked.offsets.insert(given.owned.partition, given.offset);
        }
        for owned in partitions {
            asked.held.remove(&owned.partition);
        }
        asked.waiting.push(answer);
        self.changed.notify_all();
        Ok(answered)
    }

    /// Loses all that is owned or was assigned, and tells so. Returns the readers, to be ended.
    pub(super) fn lose_all(&self) -> Vec<Arc<R>> {
        let mut state = self.lock();
        state.to_begin = None;
        state.rebalancing = None;
        let owned = std::mem::take(&mut state.owned);
        if !owned.is_empty() {
            let lost = owned.iter();
            let lost = lost.map(|(partition, (epoch, _))| OwnedPartition {
                partition: *partition,
                epoch: *epoch,
            });
            let event = GroupEvent::Lost(lost.collect());
            self.tell(&mut state, event);
        }
        owned.into_values().map(|(_, reader)| reader).collect()
    }

    /// Notes that the client cannot go on.
    pub(super) fn fail(&self) {
        self.lock().broken = true;
    }

    /// Tells, once, whether the client cannot go on.
    pub(super) fn has_failed(&self) -> bool {
        std::mem::take(&mut self.lock().broken)
    }

    /// Has the member leave.
    pub(super) fn leave(&self) {
        self.lock().leaving = true;
        self.changed.notify_all();
    }

    /// Tells whether the member leaves.
    pub(super) fn is_leaving(&self) -> bool {
        self.lock().leaving
    }

    /// Waits for so long, or until the member leaves.
    pub(super) fn pause(&self, length: Duration) {
        let staying = |state: &mut State<R>| !state.leaving;
        drop(
            self.changed
                .wait_timeout_while(self.lock(), length, staying),
        );
    }

    /// Notes that the member has left.
    pub(super) fn end(&self) {
        self.lock().ended = true;
        self.changed.notify_all();
    }

    /// Waits until the member has left, as long as the bound.
    pub(super) fn wait_end(&self, bound: Duration) {
        let there = |state: &mut State<R>| !state.ended;
        drop(self.changed.wait_timeout_while(self.lock(), bound, there));
    }
}

fn all(held: &BTreeMap<i32, u64>) -> Vec<OwnedPartition> {
    let held = held.iter();
    held.map(|(partition, epoch)| OwnedPartition {
        partition: *partition,
        epoch: *epoch,
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_commit_on_its_way_is_waited_for_before_partitions_are_given_back() {
        const SHORT: Duration = Duration::from_millis(20);
        const LONG: Duration = Duration::from_secs(600);
        let group = Arc::new(Group::new());
        let owned = OwnedPartition {
            partition: 3,
            epoch: group.next_epoch(),
        };
        group.begun(vec![(Assignment::new(owned, None), ())]);
        let offset = PartitionOffset { owned, offset: 7 };
        let sending = group.send(&[offset]).unwrap();
        group.rebalance_begins();
        assert!(group.send(&[offset]).is_err());
        group.revoke(&[3], false);
        let later = PartitionOffset { owned, offset: 9 };
        drop(group.let_go(&[owned], &[later]).unwrap());

        let began = Instant::now();
        group.wait_let_go(SHORT);
        assert!(began.elapsed() >= SHORT);
        drop(sending);
        assert_eq!(group.wait_let_go(LONG), [(3, 9)]);
        assert!(began.elapsed() < LONG);
    }

    #[test]
    fn that_a_topic_may_not_be_read_is_not_forgotten_over_another_problem() {
        let denied = |reason| {
            SourceError::new(SourceErrorKind::Denied, format!("{reason:?}")).with_reason(reason)
        };
        let group = Group::new();
        let owned = OwnedPartition {
            partition: 3,
            epoch: group.next_epoch(),
        };
        let login = denied(Some(ReasonCode::Authentication));
        group.begun(vec![(Assignment::new(owned, None), ())]);
        group.problem(login.clone());
        assert_eq!(group.problem_to_look_after(), Some(login.clone()));
        // It is told while the other is looked after, and once.
        group.problem(denied(Some(ReasonCode::Authorization)));
        group.recovered_from(&login);
        assert!(group.has_problem().is_some());
        group.problem(login.clone());
        assert_eq!(group.problem_to_look_after(), None);
        group.recovered_from(&login);
        assert!(group.has_problem().is_some());
        // A record was read.
        group.recovered();
        assert_eq!(group.has_problem(), None);
        group.problem(login.clone());
        group.recovered_from(&login);
        assert_eq!(group.has_problem(), None);
    }
}
