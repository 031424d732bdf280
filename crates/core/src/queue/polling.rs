//! Polling the queue: the receives that are open, when the next one may begin, and what is wrong with the source.

use std::collections::BTreeMap;
use std::time::Duration;

use super::action::ReceiveId;
use super::poller_quota::PollerQuota;
use super::port::QueueFacts;
use crate::backoff::{Backoff, Random};
use crate::decision::Decision;
use crate::fault::SourceError;
use crate::time::Timestamp;

const UNGROUPED: &str = "the queue's server sends messages of a FIFO queue without MessageGroupId, so \
     their order within groups is not known; they are processed one batch after another. Use a server \
     that answers ReceiveMessage with the system attributes it is asked for";

/// An open receive.
#[derive(Clone, Copy, Debug)]
pub(super) struct Receive {
    /// How many messages it may bring.
    pub(super) max: usize,
    /// How long it may wait for the first one.
    pub(super) wait: Duration,
    pub(super) opened: Timestamp,
    /// How long what it brings stays hidden from others.
    pub(super) visibility: Duration,
}

impl Receive {
    /// Returns when it ends if it brings nothing.
    fn ends(&self) -> Timestamp {
        self.opened + self.wait
    }
}

/// The receives of one mapping. `outstanding` is the sum of what the open ones may bring.
#[derive(Debug)]
pub(super) struct Polling {
    open: BTreeMap<ReceiveId, Receive>,
    /// How many messages the open receives may bring.
    outstanding: usize,
    /// Whether the last receive found nothing.
    quiet: bool,
    quota: PollerQuota,
    /// When the source may be read again.
    not_before: Option<Timestamp>,
    /// When the last back-off of a failing source ends.
    retry_at: Option<Timestamp>,
    failures: u32,
    /// How many receives in a row found nothing and did not wait for it.
    hasty: u32,
    failure: Option<String>,
    /// What the last messages came with that cannot be read, in words.
    unreadable: Option<String>,
    /// Whether the queue has groups, and the last message came without one.
    ungrouped: bool,
}

impl Polling {
    /// Returns the polling of a source that was not asked yet.
    pub(super) fn new(now: Timestamp) -> Self {
        Self {
            open: BTreeMap::new(),
            outstanding: 0,
            quiet: false,
            quota: PollerQuota::new(now),
            not_before: None,
            retry_at: None,
            failures: 0,
            hasty: 0,
            failure: None,
            unreadable: None,
            ungrouped: false,
        }
    }

    /// Returns how many receives are open.
    pub(super) fn open(&self) -> usize {
        self.open.len()
    }

    /// Returns how many messages they may bring.
    pub(super) const fn outstanding(&self) -> usize {
        self.outstanding
    }

    /// Returns how many messages those may bring that end by `end`.
    pub(super) fn expected_by(&self, end: Timestamp) -> usize {
        let open = self.open.values();
        open.filter(|receive| receive.ends() <= end)
            .map(|receive| receive.max)
            .sum()
    }

    /// Returns when the source may be read again, while it is left alone.
    pub(super) const fn not_before(&self) -> Option<Timestamp> {
        self.not_before
    }

    /// Returns until when the source is left alone because it failed.
    pub(super) fn backing_off_until(&self) -> Option<Timestamp> {
        self.not_before.filter(|_| self.failure.is_some())
    }

    /// Says what is wrong with the source.
    pub(super) fn problem(&self) -> Option<String> {
        self.failure
            .clone()
            .or_else(|| self.unreadable.clone())
            .or_else(|| self.ungrouped.then(|| UNGROUPED.to_owned()))
    }

    /// Tells whether the source may be read now.
    pub(super) fn may_begin(&mut self, now: Timestamp) -> bool {
        if self.not_before.is_some_and(|time| time > now) {
            return false;
        }
        self.not_before = None;
        true
    }

    /// Takes one call out of the quota of provisioned pollers; if there is none, the source is left alone until
    /// there is.
    pub(super) fn take_call(&mut self, now: Timestamp, pollers: f64) -> bool {
        match self.quota.take_call(now, pollers) {
            Ok(()) => true,
            Err(next) => {
                self.not_before = Some(next);
                false
            }
        }
    }

    /// Counts what provisioned pollers have read.
    pub(super) const fn spend_bytes(&mut self, bytes: usize) {
        self.quota.spend_bytes(bytes);
    }

    /// Returns how long the next receive may wait that is to end with the window; `None` when the window's rest is shorter
    /// than the source can wait, and the last receive found nothing.
    pub(super) fn wait_within(
        &self,
        now: Timestamp,
        window_end: Timestamp,
        facts: &QueueFacts,
    ) -> Option<Duration> {
        let rest = window_end.since(now);
        let steps = rest.as_millis() / step(facts).as_millis();
        if steps == 0 && (self.quiet || rest.is_zero()) {
            return None;
        }
        let steps = u32::try_from(steps).unwrap_or(u32::MAX);
        Some(step(facts).saturating_mul(steps).min(facts.longest_wait))
    }

    /// A receive begins.
    pub(super) fn begin(&mut self, id: ReceiveId, receive: Receive) {
        self.outstanding += receive.max;
        self.open.insert(id, receive);
    }

    /// A receive ended; `None` if it is not known.
    pub(super) fn end(&mut self, id: ReceiveId) -> Option<Receive> {
        let receive = self.open.remove(&id)?;
        self.outstanding -= receive.max;
        Some(receive)
    }

    /// A receive failed. Those that fail together count as one failure: what ends while the source is left
    /// alone says nothing new.
    pub(super) fn failed(
        &mut self,
        now: Timestamp,
        error: SourceError,
        random: &mut Random,
    ) -> Decision {
        let retry_at = match self.retry_at.filter(|&time| time > now) {
            Some(retry_at) => retry_at,
            None => {
                self.failures = self.failures.saturating_add(1);
                now + Backoff::SOURCE.wait(self.failures, random)
            }
        };
        self.retry_at = Some(retry_at);
        self.not_before = self.not_before.max(Some(retry_at));
        self.failure = Some(error.message.clone());
        let retry_ms = u64::try_from(retry_at.since(now).as_millis()).unwrap_or(u64::MAX);
        Decision::PollFailed {
            error: error.message,
            retry_ms,
        }
    }

    /// Takes it that what was wrong with the source may be over: it is read again at once.
    pub(super) const fn hurry(&mut self) {
        if self.failure.is_some() {
            self.not_before = None;
            self.retry_at = None;
            self.failures = 0;
        }
    }

    /// A receive found `found` messages. A source that finds nothing and does not wait for it is asked again
    /// after a pause.
    pub(super) fn found(
        &mut self,
        now: Timestamp,
        receive: Receive,
        found: usize,
        random: &mut Random,
    ) {
        self.failures = 0;
        self.failure = None;
        self.quiet = found == 0;
        if found > 0 || now.since(receive.opened) > receive.wait / 2 {
            self.hasty = 0;
            return;
        }
        self.hasty = self.hasty.saturating_add(1);
        let pause = Backoff::IDLE.wait(self.hasty, random);
        self.not_before = self.not_before.max(Some(now + pause));
    }

    /// A batch was closed: the next receive is worth a try, whatever the last one found.
    pub(super) const fn batch_closed(&mut self) {
        self.quiet = false;
    }

    /// Keeps what cannot be read of the last messages, in words.
    pub(super) fn set_unreadable(&mut self, problem: Option<String>) {
        self.unreadable = problem;
    }

    /// Keeps whether the last messages of a FIFO queue came without a group.
    pub(super) const fn set_ungrouped(&mut self, ungrouped: bool) {
        self.ungrouped = ungrouped;
    }
}

/// Returns the shortest time that a source can wait.
pub(super) fn step(facts: &QueueFacts) -> Duration {
    facts.wait_step.max(Duration::from_millis(1))
}
