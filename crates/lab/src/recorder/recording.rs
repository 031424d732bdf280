//! The recorder itself: whom everything is told, and what it makes of that.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use lambda_esm_core::Timestamp;
use lambda_esm_engine::{Clock, Event};

use super::bars::Bars;
use super::fates::Fates;
use super::figures::{Figures, FunctionFigures, count};
use super::identity::{Identity, RecordId};
use super::invocation::Seat;
use super::roster::Roster;
use super::steps::Steps;
use crate::report::{FunctionReport, MappingReport, Series, Timeline};

/// Hears of decisions, invocations and arrivals, and makes figures of them. What it keeps does not grow with the time.
pub struct Recorder {
    pub(super) clock: Clock,
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
    pub(super) bars: Vec<Bars>,
    pub(super) functions: Vec<FunctionFigures>,
    pub(super) steps: Steps,
    /// Decisions of mappings that the roster does not have yet.
    pub(super) early: Vec<Event>,
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

    /// Returns who takes part.
    #[must_use]
    pub const fn roster(&self) -> &Arc<Roster> {
        &self.roster
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
            let at_ms = inner.millis(at);
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

    /// Looks at ages and backlogs, as is to be done once a second.
    pub fn sample(&self) {
        let now = self.clock.now();
        let mut inner = self.lock();
        let inner = &mut *inner;
        let at_ms = inner.millis(now);
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
        let end_ms = inner.millis(now);
        let fresh = Inner::new(&self.seats, self.readers.len(), now);
        let Inner {
            sources,
            mappings,
            bars,
            functions,
            steps,
            ..
        } = std::mem::replace(&mut *inner, fresh);
        drop(inner);
        let mappings = mappings.into_iter().zip(&self.seats).enumerate();
        let mappings = mappings.map(|(mapping, (mut figures, seat))| {
            figures.concurrency.pass(end_ms);
            figures.concurrency.max = figures.concurrency.max.max(figures.concurrency.running);
            if let Some(fates) = sources.get(seat.source) {
                // Of mappings that share a queue, the first is told of what nobody has taken.
                let is_shared = self.readers.get(seat.source).is_some_and(|readers| {
                    readers
                        .iter()
                        .filter(|(_, reader)| *reader == seat.reader)
                        .count()
                        > 1
                });
                let is_first = self
                    .seats
                    .iter()
                    .position(|other| other.source == seat.source)
                    == Some(mapping);
                let records = &mut figures.records;
                if is_first || !is_shared {
                    let open = fates.backlog(seat.reader);
                    records.waiting = waiting(mapping).unwrap_or(open).min(open);
                    records.lost = open - records.waiting;
                }
                records.arrived = if is_shared {
                    records.taken() + records.waiting + records.lost
                } else {
                    fates.arrived()
                };
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
            timelines: bars.into_iter().map(|bars| bars.timeline(end_ms)).collect(),
        }
    }
}

impl Inner {
    /// Returns a time in milliseconds from the beginning.
    pub(super) fn millis(&self, time: Timestamp) -> u64 {
        u64::try_from(time.since(self.begins).as_millis()).unwrap_or(u64::MAX)
    }

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
            bars: seats.iter().map(|_| Bars::new(seats.len())).collect(),
            functions: (0..functions.unwrap_or_default())
                .map(|_| FunctionFigures::default())
                .collect(),
            steps: Steps::new(seats.len()),
            early: Vec::new(),
        }
    }
}
