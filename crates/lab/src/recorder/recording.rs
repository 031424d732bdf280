//! The recorder itself: whom everything is told, and what it makes of that.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use lambda_esm_core::Timestamp;
use lambda_esm_core::fault::{InvokeError, InvokeErrorKind};
use lambda_esm_engine::ports::{InvokeAnswer, InvokeRequest};
use lambda_esm_engine::{Clock, Event};

use super::durations::Durations;
use super::fates::{Fates, Processed};
use super::figures::{Figures, count};
use super::identity::{Identity, RecordId, find_records};
use super::invocation::{Invocation, Seat};
use super::roster::Roster;
use super::steps::Steps;
use super::verdict::{Answered, answered};
use crate::report::{FunctionReport, MappingReport, Series, Timeline};

/// Hears of decisions, invocations and arrivals, and makes figures of them. What it keeps does not grow with the time.
pub struct Recorder {
    clock: Clock,
    pub(super) roster: Arc<Roster>,
    pub(super) identity: Arc<dyn Identity>,
    /// By source, the mappings that read it, and which of its readers each is.
    readers: Vec<Vec<(usize, usize)>>,
    /// By mapping.
    pub(super) seats: Vec<Seat>,
    inner: Mutex<Inner>,
}

pub(super) struct Inner {
    pub(super) begins: Timestamp,
    pub(super) sources: Vec<Fates>,
    pub(super) mappings: Vec<Figures>,
    functions: Vec<FunctionFigures>,
    steps: Steps,
    /// Decisions of mappings that the roster does not have yet.
    pub(super) early: Vec<Event>,
}

#[derive(Debug, Default)]
struct FunctionFigures {
    running: u64,
    max: u64,
    invocations: u64,
    throttles: u64,
    duration: Durations,
    billed_ms: u64,
}

/// What a recorder has recorded.
pub struct Recorded {
    /// What each mapping did, without its names and configuration.
    pub mappings: Vec<MappingReport>,
    /// What each function did, without its name and memory; `gb_seconds` are seconds yet.
    pub functions: Vec<FunctionReport>,
    /// Figures over time.
    pub series: Series,
    /// Batches one by one.
    pub timelines: Vec<Timeline>,
}

impl Recorder {
    /// Returns a recorder that has heard nothing. Times are counted from now.
    #[must_use]
    pub fn new(clock: Clock, roster: Arc<Roster>, identity: Arc<dyn Identity>) -> Self {
        let mappings = roster.mappings();
        let mut readers = vec![Vec::new(); roster.sources.len()];
        let mut seats = Vec::new();
        for (mapping, spec) in mappings.iter().enumerate() {
            let shared = roster
                .sources
                .get(spec.source)
                .is_some_and(|source| source.kind.is_shared());
            let Some(reading) = readers.get_mut(spec.source) else {
                continue;
            };
            let reader = if shared { 0 } else { reading.len() };
            reading.push((mapping, reader));
            seats.push(Seat {
                source: spec.source,
                reader,
                function: spec.function,
            });
        }
        let inner = Inner::new(&seats, roster.sources.len(), clock.now());
        Self {
            clock,
            roster,
            identity,
            inner: Mutex::new(inner),
            readers,
            seats,
        }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts times from now on.
    pub fn begin(&self) {
        self.lock().begins = self.clock.now();
    }

    /// Returns from when times are counted.
    #[must_use]
    pub fn begins(&self) -> Timestamp {
        self.lock().begins
    }

    /// A record has arrived at a source.
    pub fn arrived(&self, source: usize, id: RecordId, at: Timestamp) {
        self.arrived_many(source, [(id, at)]);
    }

    /// Records have arrived at a source.
    pub fn arrived_many(
        &self,
        source: usize,
        records: impl IntoIterator<Item = (RecordId, Timestamp)>,
    ) {
        let Some(readers) = self.readers.get(source) else {
            return;
        };
        let mut inner = self.lock();
        let inner = &mut *inner;
        for (id, at) in records {
            let late = inner
                .sources
                .get_mut(source)
                .and_then(|fates| fates.arrive(id, at));
            let at_ms = at.since(inner.begins).as_millis() as u64;
            for &(mapping, reader) in readers {
                inner.steps.at(mapping, at_ms).arrivals += 1;
                if let Some((late_reader, latency)) = late
                    && late_reader == reader
                    && let Some(figures) = inner.mappings.get_mut(mapping)
                {
                    figures.latency.add(latency);
                }
            }
        }
    }

    /// Records of a source are settled without the function, and without a decision: they were filtered out.
    pub(crate) fn filtered(&self, mapping: usize, id: RecordId) {
        self.settled(mapping, id, |figures| figures.records.filtered += 1);
    }

    /// A record is given up, as a decision has said.
    pub(crate) fn given_up(&self, mapping: usize, id: RecordId) {
        self.settled(mapping, id, |_| {});
    }

    /// A message moved to the dead-letter queue.
    pub(crate) fn dead_lettered(&self, mapping: usize, id: RecordId, because: &str) {
        self.settled(mapping, id, |figures| {
            count(&mut figures.records.dead_lettered, because, 1);
        });
    }

    fn settled(&self, mapping: usize, id: RecordId, count: impl FnOnce(&mut Figures)) {
        let Some(&Seat { source, reader, .. }) = self.seats.get(mapping) else {
            return;
        };
        let mut inner = self.lock();
        let inner = &mut *inner;
        if let (Some(figures), Some(fates)) = (
            inner.mappings.get_mut(mapping),
            inner.sources.get_mut(source),
        ) && fates.settle(reader, id)
        {
            count(figures);
        }
    }

    /// An invocation begins; `None` if it comes from no mapping that is known.
    pub(super) fn began(&self, request: &InvokeRequest) -> Option<Invocation> {
        let mapping = self.roster.place(request.mapping)?;
        let seat = *self.seats.get(mapping)?;
        let reports_failures = self.roster.with(mapping, |spec| spec.reports_failures)?;
        let kind = self.roster.sources.get(seat.source)?.kind;
        let (mut records, mut size) = (Vec::new(), 0);
        find_records(kind, &request.payload, |name| {
            size += 1;
            records.extend(self.identity.record(seat.source, name));
        });
        let began = self.clock.now();
        let mut inner = self.lock();
        let inner = &mut *inner;
        let at_ms = began.since(inner.begins).as_millis() as u64;
        let figures = inner.mappings.get_mut(mapping)?;
        figures.concurrency.begin(at_ms);
        let running = figures.concurrency.running;
        if let Some(batch) = request.batch {
            figures
                .batches
                .entry(batch)
                .or_insert_with(|| records.clone());
        }
        let step = inner.steps.at(mapping, at_ms);
        step.concurrency = step.concurrency.max(running);
        if let Some(function) = inner.functions.get_mut(seat.function) {
            function.running += 1;
            function.max = function.max.max(function.running);
        }
        Some(Invocation {
            mapping,
            payload: request.payload.clone(),
            records,
            size,
            began,
            seat,
            reports_failures,
        })
    }

    /// An invocation has ended.
    pub(super) fn ended(&self, invocation: Invocation, result: &Result<InvokeAnswer, InvokeError>) {
        let now = self.clock.now();
        let Seat {
            source,
            reader,
            function,
        } = invocation.seat;
        let mut inner = self.lock();
        let inner = &mut *inner;
        // It belongs to what was recorded before.
        if invocation.began < inner.begins {
            return;
        }
        let at_ms = now.since(inner.begins).as_millis() as u64;
        inner.ends(&invocation, at_ms);
        let Some(figures) = inner.mappings.get_mut(invocation.mapping) else {
            return;
        };
        let step = inner.steps.at(invocation.mapping, at_ms);
        let function = inner.functions.get_mut(function);
        if let Err(error) = result
            && !error.kind.reached_function()
        {
            if matches!(error.kind, InvokeErrorKind::Throttled { .. }) {
                figures.throttles += 1;
                step.throttles += 1;
                if let Some(function) = function {
                    function.throttles += 1;
                }
            }
            return;
        }
        let took = now.since(invocation.began).as_millis() as u64;
        if let Some(function) = function {
            function.invocations += 1;
            function.duration.add(took);
            function.billed_ms += took;
        }
        figures.invocations += 1;
        step.invocations += 1;
        *figures.batch_sizes.entry(invocation.size).or_default() += 1;
        let Some(fates) = inner.sources.get_mut(source) else {
            return;
        };
        if fates.send(reader, &invocation.records) {
            figures.retries += 1;
        }
        let answered = answered(&invocation, self.roster.sources.get(source), result);
        let records = match answered {
            Answered::Failed { timed_out } => {
                figures.errors += 1;
                figures.timeouts += u64::from(timed_out);
                step.errors += 1;
                return;
            }
            Answered::Processed { records, partly } => {
                figures.partial_failures += u64::from(partly);
                records
            }
        };
        for id in records {
            match fates.process(reader, id, now) {
                Processed::First(latency) => {
                    figures.records.processed += 1;
                    step.processed += 1;
                    if let Some(latency) = latency {
                        figures.latency.add(latency);
                    }
                }
                Processed::Again => figures.records.repeats += 1,
                Processed::Late => {}
            }
        }
    }

    /// An invocation was given up.
    pub(super) fn abandoned(&self, invocation: Invocation) {
        let now = self.clock.now();
        let mut inner = self.lock();
        let at_ms = now.since(inner.begins).as_millis() as u64;
        inner.ends(&invocation, at_ms);
    }

    /// Looks at ages and backlogs, as is to be done once a second.
    pub fn sample(&self) {
        let now = self.clock.now();
        let mut inner = self.lock();
        let inner = &mut *inner;
        let at_ms = now.since(inner.begins).as_millis() as u64;
        for (mapping, seat) in self.seats.iter().enumerate() {
            let (Some(fates), Some(figures)) = (
                inner.sources.get(seat.source),
                inner.mappings.get_mut(mapping),
            ) else {
                continue;
            };
            let oldest = fates.oldest(seat.reader);
            let age = oldest.map_or(0, |oldest| now.since(oldest).as_millis() as u64);
            figures.age.add(age);
            figures.concurrency.pass(at_ms);
            let running = figures.concurrency.running;
            let step = inner.steps.at(mapping, at_ms.saturating_sub(1));
            step.age_ms = step.age_ms.max(age);
            step.backlog = fates.backlog(seat.reader);
            step.concurrency = step.concurrency.max(running);
        }
    }

    /// Returns how many records of a mapping's source have arrived and are not settled.
    #[must_use]
    pub fn backlog(&self, mapping: usize) -> u64 {
        let inner = self.lock();
        let seat = self.seats.get(mapping);
        seat.and_then(|seat| Some(inner.sources.get(seat.source)?.backlog(seat.reader)))
            .unwrap_or_default()
    }

    /// Returns how many records a mapping has settled, and when the oldest arrived that is not.
    pub(crate) fn settled_by(&self, mapping: usize) -> (u64, Option<Timestamp>) {
        let inner = self.lock();
        let seat = self.seats.get(mapping);
        let look = |seat: &Seat| {
            let fates = inner.sources.get(seat.source)?;
            Some((fates.settled(seat.reader), fates.oldest(seat.reader)))
        };
        seat.and_then(look).unwrap_or_default()
    }

    /// Returns how many records have arrived at a source.
    pub(crate) fn arrived_at(&self, source: usize) -> u64 {
        let inner = self.lock();
        inner.sources.get(source).map_or(0, Fates::arrived)
    }

    /// Returns how many records have arrived, and how many invocations there were.
    #[must_use]
    pub fn totals(&self) -> (u64, u64) {
        let inner = self.lock();
        let records = inner.sources.iter().map(Fates::arrived).sum();
        let invocations = inner.mappings.iter().map(|figures| figures.invocations);
        (records, invocations.sum())
    }

    /// Tells whether an invocation is under way.
    #[must_use]
    pub fn is_busy(&self) -> bool {
        let inner = self.lock();
        let mut mappings = inner.mappings.iter();
        mappings.any(|figures| figures.concurrency.running > 0)
    }

    /// Returns, by lane of a source, the place before which all records are settled.
    pub(crate) fn settled_places(&self, source: usize) -> Vec<(u32, u64)> {
        let inner = self.lock();
        let fates = inner.sources.get(source);
        fates.map_or_else(Vec::new, |fates| fates.settled_places().collect())
    }

    /// Returns what was recorded, and forgets it. `waiting` says how many records of a mapping are known to wait in its
    /// source or to be under way, where that is known: what is open beyond that is lost.
    pub fn finish(&self, waiting: impl Fn(usize) -> Option<u64>) -> Recorded {
        let now = self.clock.now();
        let mut inner = self.lock();
        let end_ms = now.since(inner.begins).as_millis() as u64;
        let fresh = Inner::new(&self.seats, self.readers.len(), now);
        let Inner {
            sources,
            mappings,
            functions,
            steps,
            ..
        } = std::mem::replace(&mut *inner, fresh);
        drop(inner);
        let mappings = mappings.into_iter().zip(&self.seats).enumerate();
        let mappings = mappings.map(|(mapping, (mut figures, seat))| {
            figures.concurrency.pass(end_ms);
            if let Some(fates) = sources.get(seat.source) {
                let open = fates.backlog(seat.reader);
                figures.records.arrived = fates.arrived();
                figures.records.waiting = waiting(mapping).unwrap_or(open).min(open);
                figures.records.lost = open - figures.records.waiting;
            }
            figures.report(MappingReport::default())
        });
        let functions = functions.into_iter().map(|figures| FunctionReport {
            invocations: figures.invocations,
            throttles: figures.throttles,
            duration: figures.duration.summary(),
            max_concurrency: figures.max,
            gb_seconds: figures.billed_ms as f64 / 1000.0,
            ..FunctionReport::default()
        });
        Recorded {
            mappings: mappings.collect(),
            functions: functions.collect(),
            series: steps.series(end_ms),
            timelines: Vec::new(),
        }
    }
}

impl Inner {
    fn new(seats: &[Seat], sources: usize, begins: Timestamp) -> Self {
        let readers = |source: usize| {
            let seats = seats.iter().filter(move |seat| seat.source == source);
            seats.map(|seat| seat.reader + 1).max().unwrap_or_default()
        };
        let functions = seats.iter().map(|seat| seat.function + 1).max();
        Self {
            begins,
            sources: (0..sources)
                .map(|source| Fates::new(readers(source)))
                .collect(),
            mappings: seats.iter().map(|_| Figures::default()).collect(),
            functions: (0..functions.unwrap_or_default())
                .map(|_| FunctionFigures::default())
                .collect(),
            steps: Steps::new(seats.len()),
            early: Vec::new(),
        }
    }

    fn ends(&mut self, invocation: &Invocation, at_ms: u64) {
        if let Some(figures) = self.mappings.get_mut(invocation.mapping) {
            figures.concurrency.end(at_ms);
        }
        if let Some(function) = self.functions.get_mut(invocation.seat.function) {
            function.running = function.running.saturating_sub(1);
        }
    }
}
