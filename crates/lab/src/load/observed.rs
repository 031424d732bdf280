//! What functions are given, and when they are done with it.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use lambda_esm_core::fault::InvokeError;
use lambda_esm_core::mapping::FunctionRef;
use lambda_esm_engine::ports::{FunctionFacts, InvokeAnswer, InvokeBackend, InvokeRequest};
use tokio::time::Instant;

use super::ids::ids;
use super::open_loop::Arrived;

/// Keeps what happens to records, by the identifiers that their servers gave them.
#[derive(Debug)]
pub(super) struct Tally {
    run: String,
    begin: OnceLock<Instant>,
    seen: Mutex<Seen>,
}

/// What was seen so far. Times count from the beginning.
#[derive(Debug, Default)]
pub(super) struct Seen {
    records: HashMap<Arc<str>, Record>,
    /// Records put and not processed, by when they were due.
    open: BTreeMap<(Duration, Arc<str>), ()>,
    pub(super) put: u64,
    pub(super) processed: u64,
    pub(super) repeats: u64,
    pub(super) invocations: u64,
    pub(super) errors: u64,
    pub(super) batch_sizes: BTreeMap<u64, u64>,
    pub(super) running: u64,
    pub(super) most_running: u64,
    /// When records were due, and how long it took from then.
    pub(super) latencies: Vec<(Duration, Duration)>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Record {
    due: Option<Duration>,
    processed: Option<Duration>,
}

impl Tally {
    pub(super) fn new(run: impl Into<String>) -> Self {
        Self {
            run: run.into(),
            begin: OnceLock::new(),
            seen: Mutex::default(),
        }
    }

    pub(super) fn begin(&self, at: Instant) {
        self.begin.get_or_init(|| at);
    }

    pub(super) fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now(&self) -> Duration {
        self.begin.get().map_or(Duration::ZERO, Instant::elapsed)
    }
}

impl Arrived for Tally {
    fn arrived(&self, due: Duration, id: Arc<str>, _: usize) {
        let mut seen = self.seen();
        seen.put += 1;
        let record = seen.records.entry(id.clone()).or_default();
        record.due = Some(due);
        match record.processed {
            Some(at) => seen.latencies.push((due, at.saturating_sub(due))),
            None => {
                seen.open.insert((due, id), ());
            }
        }
    }
}

impl Seen {
    /// Returns how long the oldest record waits.
    pub(super) fn age(&self, now: Duration) -> Duration {
        let oldest = self.open.first_key_value();
        oldest.map_or(Duration::ZERO, |((due, _), ())| now.saturating_sub(*due))
    }

    /// Returns how many records were put and not processed.
    pub(super) fn open(&self) -> usize {
        self.open.len()
    }

    /// Returns how many records were processed that nobody put here.
    pub(super) fn strangers(&self) -> usize {
        let records = self.records.values();
        records.filter(|record| record.due.is_none()).count()
    }

    fn processed(&mut self, id: String, at: Duration) {
        let id: Arc<str> = Arc::from(id);
        let record = self.records.entry(id.clone()).or_default();
        if record.processed.replace(at).is_some() {
            self.repeats += 1;
            return;
        }
        self.processed += 1;
        if let Some(due) = record.due {
            self.open.remove(&(due, id));
            self.latencies.push((due, at.saturating_sub(due)));
        }
    }
}

/// A backend that is looked at.
pub(super) struct Observed {
    inner: Arc<dyn InvokeBackend>,
    tally: Arc<Tally>,
}

impl Observed {
    pub(super) const fn new(inner: Arc<dyn InvokeBackend>, tally: Arc<Tally>) -> Self {
        Self { inner, tally }
    }
}

/// Counts an invocation as long as it runs, also if it is given up.
struct Running<'a>(&'a Tally);

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.seen().running -= 1;
    }
}

#[async_trait]
impl InvokeBackend for Observed {
    async fn invoke(&self, request: InvokeRequest) -> Result<InvokeAnswer, InvokeError> {
        let event = request.payload.clone();
        {
            let mut seen = self.tally.seen();
            seen.running += 1;
            seen.most_running = seen.most_running.max(seen.running);
        }
        let running = Running(&self.tally);
        let answer = self.inner.invoke(request).await;
        let now = self.tally.now();
        drop(running);
        let ids = ids(&event, &self.tally.run);
        let mut seen = self.tally.seen();
        seen.invocations += 1;
        *seen.batch_sizes.entry(ids.len() as u64).or_default() += 1;
        if answer.is_ok() {
            for id in ids {
                seen.processed(id, now);
            }
        } else {
            seen.errors += 1;
        }
        drop(seen);
        answer
    }

    async fn describe(&self, function: &FunctionRef) -> Result<FunctionFacts, InvokeError> {
        self.inner.describe(function).await
    }
}
