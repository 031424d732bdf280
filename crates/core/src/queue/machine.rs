//! The machine of one queue mapping.

use std::collections::{BTreeSet, VecDeque};
use std::time::Duration;

use super::action::{Action, Input};
use super::config::{Concurrency, QueueConfig};
use super::delivery::{Delivery, ids};
use super::filter::MessageFilter;
use super::in_flight::{InFlight, Phase};
use super::polling::Polling;
use super::scaling::Scaler;
use super::settlements::Settlements;
use super::share_group::{Holder, ShareGroup, Tries};
use super::timer::Timer;
use crate::activity::Activity;
use crate::backoff::Random;
use crate::batching::{Batch, Batcher, CloseReason};
use crate::decision::Decision;
use crate::pacing::Pacing;
use crate::response::IgnoredFailures;
use crate::scaling_model::QUEUE_BATCHES_PER_POLLER;
use crate::time::Timestamp;

/// Runs one queue mapping. See the [module](super) for the way of a message through it.
#[derive(Debug)]
pub struct QueueMachine {
    pub(super) config: QueueConfig,
    pub(super) batcher: Batcher<Delivery>,
    pub(super) in_flight: InFlight,
    pub(super) settlements: Settlements,
    pub(super) polling: Polling,
    pub(super) scaler: Scaler,
    /// When batches and settle calls are tried again. An entry whose deed was cancelled is ignored.
    pub(super) timers: BTreeSet<(Timestamp, Timer)>,
    pub(super) function_problem: Option<String>,
    /// Until when a machine that was told to stop gives slots to what it holds.
    pub(super) drain_until: Option<Timestamp>,
    /// The longest time that the function was seen to run.
    pub(super) longest_run: Duration,
    pub(super) filter: MessageFilter,
    pub(super) ignored_failures: IgnoredFailures,
    pub(super) share: ShareGroup,
    pub(super) random: Random,
    pub(super) actions: VecDeque<Action>,
    /// The last number of a receive or a settle call.
    last_id: u64,
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
            in_flight: InFlight::default(),
            settlements: Settlements::default(),
            polling: Polling::new(now),
            scaler,
            timers: BTreeSet::new(),
            function_problem: None,
            drain_until: None,
            longest_run: Duration::ZERO,
            filter: MessageFilter::default(),
            ignored_failures: IgnoredFailures::default(),
            share: ShareGroup::default(),
            random: Random::new(seed),
            actions: VecDeque::new(),
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
            Input::Delivered { id, result } => self.delivered(now, id, result),
            Input::Measured { result } => self.measured(now, result),
            Input::Reconfigure(config) => self.reconfigure(*config),
            Input::Drain { until } => self.drain(until),
            Input::Tick => {}
        }
        self.retry(now);
        self.give_back(now);
        self.release_late(now);
        self.close_due_window(now);
        self.start_waiting(now);
        self.read(now);
        self.measure(now);
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
                let waits = !self.in_flight.waiting().is_empty() || self.in_flight.is_reserving();
                (waits.then_some(until), None)
            }
            None => (None, self.polling.not_before()),
        };
        let deadlines = [retry, self.window_closes(), stop, reading];
        deadlines.into_iter().flatten().min()
    }

    /// Tells whether nothing is in flight, nothing gathered and no receive open: after [`Input::Drain`],
    /// the end.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.in_flight.is_empty()
            && self.settlements.is_empty()
            && self.batcher.is_empty()
            && self.share.give_ups.is_empty()
            && self.polling.open() == 0
    }

    /// Returns a view of the machine.
    #[must_use]
    pub fn status(&self) -> Activity {
        let retry = self.timers.iter().find(|(_, timer)| timer.is_retry());
        let retry = retry.map(|&(at, _)| at);
        let source = self.polling.backing_off_until();
        Activity {
            concurrency: self.scaler.concurrency(),
            running: self.in_flight.running(),
            waiting: self.in_flight.waiting().len(),
            gathering: self.batcher.len(),
            receives: self.polling.open(),
            backing_off_until: retry.into_iter().chain(source).min().map(Timestamp::millis),
            iterator_age_ms: None,
            max_offset_lag: self.share.lags.max,
            sum_offset_lag: self.share.lags.sum,
            source_problem: self.polling.problem(),
            source_reason: None,
            halted: None,
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
                Timer::Deliver(id) => self.deliver_again(at, id),
                Timer::Renew(holder) => self.renew_locks(now, at, holder),
                // It is asked when it is time.
                Timer::Measure => {}
            }
        }
    }

    pub(super) const fn next_id(&mut self) -> u64 {
        self.last_id += 1;
        self.last_id
    }

    /// Puts a closed batch in the queue for a slot; in parts, if it has more records than a batch may have.
    pub(super) fn enqueue(&mut self, batch: Batch<Delivery>) {
        self.enqueue_tried(batch, &Tries::default());
    }

    /// Does the same with what the function has tried before.
    fn enqueue_tried(&mut self, batch: Batch<Delivery>, tries: &Tries) {
        let mut next = Some(batch);
        while let Some(mut batch) = next {
            next = batch.split_off(self.config.limits.count.max(1));
            let closed = Decision::BatchClosed {
                batch: self.in_flight.next_id(),
                shard: None,
                reason: batch.reason,
                records: batch.items.len(),
                bytes: batch.payload().len(),
                message_ids: ids(self.config.detail, &batch.items),
            };
            self.report(closed);
            let id = self.in_flight.add(batch, tries.clone());
            self.keep_locks(Holder::Batch(id));
        }
        self.polling.batch_closed();
    }

    /// The number of provisioned pollers at work, where quotas hold per poller.
    pub(super) fn provisioned_pollers(&self) -> Option<f64> {
        match (self.config.pacing, self.config.concurrency) {
            (Pacing::Aws, Concurrency::Provisioned { .. }) if self.config.share_group.is_none() => {
                Some((self.scaler.concurrency() as f64 / QUEUE_BATCHES_PER_POLLER).max(1.0))
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
        self.polling.hurry();
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
        let mut order = self
            .in_flight
            .in_phase(|phase| matches!(phase, Phase::Reserving | Phase::BackingOff { .. }));
        order.extend(self.in_flight.take_waiting());
        for id in order {
            self.in_flight.line_up(id);
            let tries = self.in_flight.tries(id);
            if let Some(rest) = self.in_flight.cut(id, most) {
                self.enqueue_tried(rest, &tries);
            }
        }
    }
}
