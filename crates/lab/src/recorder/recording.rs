//! The recorder itself: whom everything is told.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::Receiver;

use lambda_esm_core::Timestamp;
use lambda_esm_engine::Clock;

use super::books::{Books, Inner};
use super::desk::Desk;
use super::fates::Fates;
use super::identity::{Identity, RecordId};
use super::note::{Note, Settled};
use super::roster::Roster;
use crate::report::{FunctionReport, MappingReport, Series, Timeline};

/// Hears of decisions, invocations and arrivals, and makes figures of them. What it keeps does not grow with the time.
pub struct Recorder {
    pub(super) clock: Clock,
    pub(super) books: Arc<Books>,
    pub(super) desk: Desk,
    /// How many invocations have begun.
    pub(super) begun: AtomicU64,
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
        Self::on(clock, roster, identity, false)
    }

    /// Returns one that leaves it to a thread of its own to make figures, once there is much. What it tells is the same.
    pub(crate) fn aside(clock: Clock, roster: Arc<Roster>, identity: Arc<dyn Identity>) -> Self {
        Self::on(clock, roster, identity, true)
    }

    fn on(clock: Clock, roster: Arc<Roster>, identity: Arc<dyn Identity>, aside: bool) -> Self {
        let books = Arc::new(Books::new(roster, identity));
        let nothing = books.nothing(clock.now());
        Self {
            clock,
            desk: Desk::new(books.clone(), nothing, aside),
            books,
            begun: AtomicU64::new(0),
        }
    }

    /// Returns who takes part.
    #[must_use]
    pub fn roster(&self) -> &Arc<Roster> {
        &self.books.roster
    }

    /// Counts times from now on.
    pub fn begin(&self) {
        let now = self.clock.now();
        self.desk.with(|inner| inner.begins = now);
    }

    /// Returns from when times are counted.
    #[must_use]
    pub fn begins(&self) -> Timestamp {
        self.desk.with(|inner| inner.begins)
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
        let records = records.into_iter().collect();
        self.desk.tell(Note::Arrived { source, records });
    }

    /// Records of a source are settled without the function, and without a decision: they were filtered out.
    pub(crate) fn filtered(&self, mapping: usize, id: RecordId) {
        self.settled(mapping, id, Settled::Filtered);
    }

    /// A record is given up, as a decision has said.
    pub(crate) fn given_up(&self, mapping: usize, id: RecordId) {
        self.settled(mapping, id, Settled::GivenUp);
    }

    /// A message moved to the dead-letter queue.
    pub(crate) fn dead_lettered(&self, mapping: usize, id: RecordId, because: &str) {
        self.settled(mapping, id, Settled::DeadLettered(because.to_owned()));
    }

    fn settled(&self, mapping: usize, id: RecordId, how: Settled) {
        self.desk.tell(Note::Settled { mapping, id, how });
    }

    /// Looks at ages and backlogs, as is to be done once a second.
    pub fn sample(&self) {
        self.desk.tell(Note::Sampled(self.clock.now()));
    }

    /// Returns how many records of a mapping's source have arrived and are not settled.
    #[must_use]
    pub fn backlog(&self, mapping: usize) -> u64 {
        let backlog = |inner: &mut Inner| {
            let seat = self.books.seats.get(mapping)?;
            Some(inner.sources.get(seat.source)?.backlog(seat.reader))
        };
        self.desk.with(backlog).unwrap_or_default()
    }

    /// Returns how many records a mapping has settled, and when the oldest arrived that is not.
    pub(crate) fn settled_by(&self, mapping: usize) -> (u64, Option<Timestamp>) {
        let look = |inner: &mut Inner| {
            let seat = self.books.seats.get(mapping)?;
            let fates = inner.sources.get(seat.source)?;
            Some((fates.settled(seat.reader), fates.oldest(seat.reader)))
        };
        self.desk.with(look).unwrap_or_default()
    }

    /// Returns how many records have arrived at a source.
    pub(crate) fn arrived_at(&self, source: usize) -> u64 {
        let fates = |inner: &mut Inner| inner.sources.get(source).map(Fates::arrived);
        self.desk.with(fates).unwrap_or_default()
    }

    /// Returns how many invocations have begun.
    pub(crate) fn begun(&self) -> u64 {
        self.begun.load(Ordering::Relaxed)
    }

    /// Returns how many records have arrived, and how many invocations there were.
    #[must_use]
    pub fn totals(&self) -> (u64, u64) {
        self.desk.with(|inner| {
            let records = inner.sources.iter().map(Fates::arrived).sum();
            let invocations = inner.mappings.iter().map(|figures| figures.invocations);
            (records, invocations.sum())
        })
    }

    /// Tells whether an invocation is under way.
    #[must_use]
    pub fn is_busy(&self) -> bool {
        self.desk.with(|inner| {
            let mut mappings = inner.mappings.iter();
            mappings.any(|figures| figures.concurrency.running > 0)
        })
    }

    /// Asks, by lane of a source, for the place before which all records are settled now. The answer need not be waited for.
    pub(crate) fn ask_settled_places(&self, source: usize) -> Receiver<Vec<(u32, u64)>> {
        self.desk.ask(move |inner| {
            let fates = inner.sources.get(source);
            fates.map_or_else(Vec::new, |fates| fates.settled_places().collect())
        })
    }

    /// Returns what was recorded, and forgets it. `waiting` says how many records of a mapping are known to wait in its
    /// source or to be under way, where that is known: what is open beyond that is lost.
    pub fn finish(&self, waiting: impl Fn(usize) -> Option<u64>) -> Recorded {
        let now = self.clock.now();
        let fresh = self.books.nothing(now);
        let recorded = self.desk.with(|inner| std::mem::replace(inner, fresh));
        let end_ms = recorded.millis(now);
        let Inner {
            sources,
            mappings,
            bars,
            functions,
            steps,
            ..
        } = recorded;
        let mappings = mappings.into_iter().zip(&self.books.seats).enumerate();
        let mappings = mappings.map(|(mapping, (mut figures, seat))| {
            figures.concurrency.pass(end_ms);
            figures.concurrency.max = figures.concurrency.max.max(figures.concurrency.running);
            if let Some(fates) = sources.get(seat.source) {
                // Of mappings that share a queue, the first is told of what nobody has taken.
                let is_shared = self.books.readers.get(seat.source).is_some_and(|readers| {
                    readers
                        .iter()
                        .filter(|(_, reader)| *reader == seat.reader)
                        .count()
                        > 1
                });
                let is_first = self
                    .books
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
