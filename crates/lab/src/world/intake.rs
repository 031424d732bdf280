//! What all sources in memory have in common: what arrives, whether they can be reached, and how often they are called.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use lambda_esm_core::Timestamp;
use lambda_esm_core::fault::{SourceError, SourceErrorKind};
use lambda_esm_engine::Clock;
use tokio::sync::Notify;

use crate::arrivals::{Arrival, Chance, Records, Sampler};
use crate::recorder::{RecordId, Recorder};
use crate::scenario::Distribution;

/// No call takes longer, in seconds.
const LONGEST_CALL: f64 = 60.0;

/// What arrives at a source, and what is asked of it.
pub(crate) struct Intake {
    pub(super) clock: Clock,
    pub(super) recorder: Arc<Recorder>,
    /// The place of the source.
    pub(super) source: usize,
    /// The first mapping that reads it.
    pub(super) mapping: Option<usize>,
    feed: Mutex<Feed>,
    /// Told when the first arrival has a time.
    pub(super) begun: Notify,
    calls: Mutex<Calls>,
    /// How long calls take; `None` if they take no time.
    call_time: Option<Mutex<(Sampler, Chance)>>,
    down: AtomicBool,
}

struct Feed {
    records: Records,
    next: Option<Arrival>,
    /// When the scenario began; `None` before that.
    begins: Option<Timestamp>,
    arrived: u64,
    bytes: u64,
}

#[derive(Debug, Default)]
struct Calls {
    made: BTreeMap<&'static str, u64>,
    empty: u64,
}

/// What was asked of a source, and what it got.
#[derive(Debug)]
pub(crate) struct Usage {
    pub(crate) arrived: u64,
    pub(crate) bytes: u64,
    pub(crate) calls: BTreeMap<String, u64>,
    pub(crate) empty_reads: u64,
}

impl Intake {
    pub(crate) fn new(
        clock: Clock,
        recorder: Arc<Recorder>,
        source: usize,
        mapping: Option<usize>,
        mut records: Records,
        call_time: &Distribution,
        chance: Chance,
    ) -> Self {
        let feed = Feed {
            next: records.next(),
            records,
            begins: None,
            arrived: 0,
            bytes: 0,
        };
        Self {
            clock,
            recorder,
            source,
            mapping,
            feed: Mutex::new(feed),
            begun: Notify::new(),
            calls: Mutex::default(),
            call_time: (*call_time != Distribution::Fixed(0.0))
                .then(|| Mutex::new((Sampler::new(call_time), chance))),
            down: AtomicBool::new(false),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Feed> {
        self.feed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells whether calls take no time.
    pub(super) const fn is_instant(&self) -> bool {
        self.call_time.is_none()
    }

    /// Waits as long as a call takes.
    pub(super) async fn take_call_time(&self) {
        let Some(call_time) = &self.call_time else {
            return;
        };
        let seconds = {
            let mut drawing = call_time.lock().unwrap_or_else(PoisonError::into_inner);
            let (sampler, chance) = &mut *drawing;
            sampler.draw(chance)
        };
        tokio::time::sleep(Duration::from_secs_f64(seconds.min(LONGEST_CALL))).await;
    }

    /// From now on records arrive.
    pub(crate) fn begin(&self) {
        self.lock().begins = Some(self.clock.now());
        self.begun.notify_waiters();
    }

    /// Hands over what has arrived up to now, if anything has: `put` puts it into the source, and says where each is.
    pub(super) fn fill(&self, put: impl FnOnce(Vec<(Timestamp, Arrival)>) -> Vec<RecordId>) {
        let now = self.clock.now();
        let mut feed = self.lock();
        let Some(begins) = feed.begins else {
            return;
        };
        if feed
            .next
            .as_ref()
            .is_none_or(|next| begins + Duration::from_millis(next.at_ms) > now)
        {
            return;
        }
        let mut due = Vec::new();
        let time = |arrival: &Arrival| begins + Duration::from_millis(arrival.at_ms);
        while let Some(arrival) = feed.next.take_if(|arrival| time(arrival) <= now) {
            feed.bytes += arrival.payload.len() as u64;
            due.push((time(&arrival), arrival));
            feed.next = feed.records.next();
        }
        feed.arrived += due.len() as u64;
        let times: Vec<Timestamp> = due.iter().map(|(time, _)| *time).collect();
        let places = put(due).into_iter().zip(times);
        self.recorder.arrived_many(self.source, places);
    }

    /// Returns when the next record arrives; `None` if none will, or the scenario has not begun.
    pub(super) fn next(&self) -> Option<Timestamp> {
        let feed = self.lock();
        let at = feed.next.as_ref()?.at_ms;
        Some(feed.begins? + Duration::from_millis(at))
    }

    /// Waits for the next arrival.
    pub(super) async fn arrival(&self) {
        loop {
            let begun = self.begun.notified();
            match self.next() {
                Some(at) => return self.clock.sleep_until(at).await,
                None => begun.await,
            }
        }
    }

    /// Tells whether nothing will arrive any more.
    pub(crate) fn is_over(&self) -> bool {
        self.lock().next.is_none()
    }

    /// Counts a call. Fails if the source cannot be reached.
    pub(super) fn call(&self, name: &'static str) -> Result<(), SourceError> {
        *self.calls().made.entry(name).or_default() += 1;
        if self.is_down() {
            return Err(unreachable());
        }
        Ok(())
    }

    pub(super) fn found_nothing(&self) {
        self.calls().empty += 1;
    }

    fn calls(&self) -> MutexGuard<'_, Calls> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn is_down(&self) -> bool {
        self.down.load(Ordering::Relaxed)
    }

    pub(super) fn set_down(&self, down: bool) {
        self.down.store(down, Ordering::Relaxed);
    }

    pub(crate) fn usage(&self) -> Usage {
        let feed = self.lock();
        let calls = self.calls();
        let made = calls.made.iter();
        Usage {
            arrived: feed.arrived,
            bytes: feed.bytes,
            calls: made
                .map(|(name, count)| ((*name).to_owned(), *count))
                .collect(),
            empty_reads: calls.empty,
        }
    }
}

/// The error of a source that is down.
pub(super) fn unreachable() -> SourceError {
    SourceError::new(SourceErrorKind::Transient, "the source cannot be reached")
}
