//! What all sources in memory have in common: what arrives, whether they can be reached, and how often they are called.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::Receiver;
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

/// Where the recorder says, by lane, before which place all is settled.
type Answer = Receiver<Vec<(u32, u64)>>;

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
    /// What the recorder was asked last, if it was.
    asked: Mutex<Option<Answer>>,
}

struct Feed {
    records: Records,
    next: Option<Arrival>,
    /// When the scenario began; `None` before that.
    begins: Option<Timestamp>,
    arrived: u64,
    bytes: u64,
    /// How many were handed over last.
    last: usize,
}

/// What has arrived up to now, with the time of each.
pub(super) struct Due<'a> {
    feed: &'a mut Feed,
    begins: Timestamp,
    now: Timestamp,
}

impl Due<'_> {
    /// Returns how many came the last time: about as many as now.
    pub(super) fn likely(&self) -> usize {
        self.feed.last
    }

    fn time(&self, arrival: &Arrival) -> Timestamp {
        self.begins + Duration::from_millis(arrival.at_ms)
    }

    fn is_empty(&self) -> bool {
        let next = self.feed.next.as_ref();
        next.is_none_or(|next| self.time(next) > self.now)
    }
}

impl Iterator for Due<'_> {
    type Item = (Timestamp, Arrival);

    fn next(&mut self) -> Option<Self::Item> {
        if self.is_empty() {
            return None;
        }
        let arrival = std::mem::replace(&mut self.feed.next, self.feed.records.next())?;
        self.feed.arrived += 1;
        self.feed.bytes += arrival.payload.len() as u64;
        Some((self.time(&arrival), arrival))
    }
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
            last: 0,
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
            asked: Mutex::default(),
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

    /// Hands over what has arrived up to now, if anything has: `put` puts it into the source, and says where each is and when
    /// it came.
    pub(super) fn fill(&self, put: impl FnOnce(Due<'_>) -> Vec<(RecordId, Timestamp)>) {
        let now = self.clock.now();
        let mut feed = self.lock();
        let Some(begins) = feed.begins else {
            return;
        };
        let due = Due {
            feed: &mut feed,
            begins,
            now,
        };
        if due.is_empty() {
            return;
        }
        let places = put(due);
        feed.last = places.len();
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

    /// Returns how many records have arrived.
    pub(crate) fn arrived(&self) -> u64 {
        self.lock().arrived
    }

    /// Returns, by lane, the place before which all was settled when this was called the time before. Nobody waits for what
    /// another thread has to find out now.
    pub(super) fn settled_before(&self) -> Vec<(u32, u64)> {
        let next = self.recorder.ask_settled_places(self.source);
        let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        let before = asked.replace(next);
        // Who does not answer has ended.
        before.map_or_else(Vec::new, |answer| answer.recv().unwrap_or_default())
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
