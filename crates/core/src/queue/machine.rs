//! The machine of one queue mapping.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use super::action::{Action, Input, ReceiveId, SettleId};
use super::config::{Concurrency, QueueConfig, Sieve};
use super::flight::{Delivery, Flight, Phase, ids};
use super::quota::Quota;
use super::reading::Reading;
use super::scaling::{BATCHES_PER_POLLER, Scaler};
use super::settling::Settling;
use crate::activity::Activity;
use crate::backoff::Random;
use crate::batching::{Batch, Batcher, CloseReason};
use crate::decision::{BatchId, Decision};
use crate::pacing::Pacing;
use crate::response::IgnoredFailures;
use crate::time::Timestamp;

/// How long a window waits at most for receives that should have ended with it.
const GRACE: Duration = Duration::from_secs(1);

const UNGROUPED: &str = "the queue's server sends messages of a FIFO queue without MessageGroupId, so \
     their order within groups is not known; they are processed one batch after another. Use a server \
     that answers ReceiveMessage with the system attributes it is asked for";

/// Runs one queue mapping. See the [module](super) for the way of a message through it.
#[derive(Debug)]
pub struct QueueMachine {
    pub(super) config: QueueConfig,
    pub(super) batcher: Batcher<Delivery>,
    pub(super) flights: BTreeMap<BatchId, Flight>,
    /// Batches without a slot, in the order they were closed.
    pub(super) waiting: VecDeque<BatchId>,
    /// How many flights hold a slot.
    pub(super) running: usize,
    /// How many of them wait for their turn.
    pub(super) reserving: usize,
    pub(super) settles: BTreeMap<SettleId, Settling>,
    /// Filtered messages whose deletion is not yet answered.
    pub(super) deleting_filtered: usize,
    pub(super) receives: BTreeMap<ReceiveId, Reading>,
    /// How many messages the open receives may bring.
    pub(super) outstanding: usize,
    /// Whether the last receive found nothing.
    pub(super) quiet: bool,
    pub(super) scaler: Scaler,
    pub(super) quota: Quota,
    /// When batches and settle calls are tried again. An entry whose deed was cancelled is ignored.
    pub(super) timers: BTreeSet<(Timestamp, Timer)>,
    /// When the source may be read again.
    pub(super) not_before: Option<Timestamp>,
    /// When the last back-off of a failing source ends.
    pub(super) source_retry_at: Option<Timestamp>,
    pub(super) source_failures: u32,
    /// How many receives in a row found nothing and did not wait for it.
    pub(super) hasty_receives: u32,
    pub(super) source_problem: Option<String>,
    pub(super) function_problem: Option<String>,
    /// Until when a machine that was told to stop gives slots to what it holds.
    pub(super) drain_until: Option<Timestamp>,
    /// Whether the queue has groups, and the last message came without one.
    pub(super) ungrouped: bool,
    /// What the last messages came with that cannot be read, in words.
    pub(super) unread: Option<String>,
    /// The longest time that the function was seen to run.
    pub(super) longest_run: Duration,
    pub(super) sieve: Sieve,
    pub(super) unasked: IgnoredFailures,
    pub(super) random: Random,
    pub(super) actions: VecDeque<Action>,
    pub(super) batches_closed: u64,
    pub(super) last_id: u64,
}

/// Something to be tried again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Timer {
    Batch(BatchId),
    Settle(SettleId),
}

impl QueueMachine {
    /// Returns a machine that has read nothing yet. `seed` decides its jitter.
    #[must_use]
    pub fn new(config: QueueConfig, seed: u64, now: Timestamp) -> Self {
        let scaler = Scaler::new(
            config.pacing,
            config.concurrency,
            config.function_concurrency,
        );
        Self {
            batcher: Batcher::new(config.limits, config.encoder.envelope()),
            config,
            flights: BTreeMap::new(),
            waiting: VecDeque::new(),
            running: 0,
            reserving: 0,
            settles: BTreeMap::new(),
            deleting_filtered: 0,
            receives: BTreeMap::new(),
            outstanding: 0,
            quiet: false,
            scaler,
            quota: Quota::new(now),
            timers: BTreeSet::new(),
            not_before: None,
            source_retry_at: None,
            source_failures: 0,
            hasty_receives: 0,
            source_problem: None,
            function_problem: None,
            drain_until: None,
            ungrouped: false,
            unread: None,
            longest_run: Duration::ZERO,
            sieve: Sieve::default(),
            unasked: IgnoredFailures::default(),
            random: Random::new(seed),
            actions: VecDeque::new(),
            batches_closed: 0,
            last_id: 0,
        }
    }

    /// Takes one fact from outside. Call [`poll`](Self::poll) until `None` before the next.
    pub fn handle(&mut self, now: Timestamp, input: Input) {
        debug_assert!(
            self.actions.is_empty(),
            "the actions of the last input were not drained"
        );
        match input {
            Input::Received { id, result } => self.received(now, id, result),
            Input::Reserved { batch } => self.reserved(now, batch),
            Input::Invoked {
                batch,
                attempt,
                result,
            } => self.invoked(now, batch, attempt, result),
            Input::Settled { id, result } => self.settled(now, id, result),
            Input::Reconfigure(config) => self.reconfigure(*config),
            Input::Drain { until } => self.drain(until),
            Input::Tick => {}
        }
        self.retry(now);
        self.give_back();
        self.release_late(now);
        self.close_due_window(now);
        self.start_waiting(now);
        self.read(now);
    }

    /// Returns the next thing to do.
    pub fn poll(&mut self) -> Option<Action> {
        self.actions.pop_front()
    }

    /// Returns when to call [`handle`](Self::handle) with [`Input::Tick`] if nothing else happens.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Timestamp> {
        let retry = self.timers.first().map(|&(at, _)| at);
        let (stop, reading) = match self.drain_until {
            Some(until) => {
                let waits = !self.waiting.is_empty() || self.reserving > 0;
                (waits.then_some(until), None)
            }
            None => (None, self.not_before),
        };
        let deadlines = [retry, self.window_closes(), stop, reading];
        deadlines.into_iter().flatten().min()
    }

    /// Tells whether nothing is in flight, nothing gathered and no receive open: after [`Input::Drain`],
    /// the end.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.flights.is_empty()
            && self.settles.is_empty()
            && self.batcher.is_empty()
            && self.receives.is_empty()
    }

    /// Returns a view of the machine.
    #[must_use]
    pub fn status(&self) -> Activity {
        let retry = self.timers.first().map(|&(at, _)| at);
        let source = self.not_before.filter(|_| self.source_problem.is_some());
        Activity {
            concurrency: self.scaler.concurrency(),
            running: self.running,
            waiting: self.waiting.len(),
            gathering: self.batcher.len(),
            receives: self.receives.len(),
            backing_off_until: retry.into_iter().chain(source).min().map(Timestamp::millis),
            iterator_age_ms: None,
            source_problem: self
                .source_problem
                .clone()
                .or_else(|| self.unread.clone())
                .or_else(|| self.ungrouped.then(|| UNGROUPED.to_owned())),
            function_problem: self.function_problem.clone(),
        }
    }

    pub(super) fn report(&mut self, decision: Decision) {
        self.actions.push_back(Action::Report(decision));
    }

    /// Tries again what is due.
    fn retry(&mut self, now: Timestamp) {
        while let Some(&(at, timer)) = self.timers.first() {
            if at > now {
                return;
            }
            self.timers.pop_first();
            match timer {
                Timer::Batch(id) => self.retry_batch(now, at, id),
                Timer::Settle(id) => self.retry_settle(at, id),
            }
        }
    }

    pub(super) const fn next_id(&mut self) -> u64 {
        self.last_id += 1;
        self.last_id
    }

    /// Puts a closed batch in the queue for a slot; in parts, if it has more records than a batch may have.
    pub(super) fn enqueue(&mut self, batch: Batch<Delivery>) {
        let mut next = Some(batch);
        while let Some(mut batch) = next {
            next = batch.split_off(self.config.limits.count.max(1));
            self.batches_closed += 1;
            let id = BatchId(self.batches_closed);
            self.report(Decision::BatchClosed {
                batch: id,
                reason: batch.reason,
                records: batch.items.len(),
                bytes: batch.payload().len(),
                message_ids: ids(self.config.detail, &batch.items),
            });
            self.flights.insert(id, Flight::new(batch));
            self.waiting.push_back(id);
        }
        self.quiet = false;
    }

    /// The number of provisioned pollers at work, where quotas hold per poller.
    pub(super) fn provisioned_pollers(&self) -> Option<f64> {
        match (self.config.pacing, self.config.concurrency) {
            (Pacing::Aws, Concurrency::Provisioned { .. }) => {
                Some((self.scaler.concurrency() as f64 / BATCHES_PER_POLLER).max(1.0))
            }
            _ => None,
        }
    }

    fn reconfigure(&mut self, config: QueueConfig) {
        let before = self.scaler.concurrency();
        self.scaler.reconfigure(
            config.pacing,
            config.concurrency,
            config.function_concurrency,
        );
        self.report_scaling(before, "new settings");
        self.batcher.set_limits(config.limits);
        self.config = config;
        self.cut_to_size();
        if self.batcher.len() >= self.config.limits.count
            && let Some(batch) = self.batcher.close(CloseReason::Count)
        {
            self.enqueue(batch);
        }
    }

    /// Cuts batches that were closed before the batch size was lowered, and that the function does not
    /// have: what is too much becomes the next batch.
    fn cut_to_size(&mut self) {
        let most = self.config.limits.count.max(1);
        let not_reached = self.flights.iter().filter(|(_, flight)| {
            matches!(flight.phase, Phase::Reserving | Phase::BackingOff { .. })
        });
        let mut order: Vec<BatchId> = not_reached.map(|(&id, _)| id).collect();
        order.extend(std::mem::take(&mut self.waiting));
        for id in order {
            let Some(flight) = self.flights.get_mut(&id) else {
                continue;
            };
            if flight.phase == Phase::Waiting {
                self.waiting.push_back(id);
            }
            if let Some(rest) = flight.batch.split_off(most) {
                self.enqueue(rest);
            }
        }
    }

    fn close_due_window(&mut self, now: Timestamp) {
        if self.window_closes().is_some_and(|time| time <= now)
            && let Some(batch) = self.batcher.close(CloseReason::Window)
        {
            self.enqueue(batch);
        }
    }

    /// Returns when the open batch goes: at the end of its window; a little later, if receives that end
    /// with the window are still open and what they bring would find no slot. Receives that wait beyond
    /// the window were opened before it began, and do not hold it: what they bring is for the next batch.
    fn window_closes(&self) -> Option<Timestamp> {
        let end = self.batcher.window_end()?;
        if self.batcher.is_empty() {
            return None;
        }
        let open = self.receives.values();
        let expected: usize = open
            .filter(|reading| reading.ends() <= end)
            .map(|reading| reading.max)
            .sum();
        let slots_after = self.scaler.concurrency().saturating_sub(self.batches() + 1);
        let is_held = expected > slots_after.saturating_mul(self.config.limits.count);
        Some(if is_held { end + GRACE } else { end })
    }

    /// Batches that have or need a slot.
    pub(super) fn batches(&self) -> usize {
        self.running + self.waiting.len()
    }
}
