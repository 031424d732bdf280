//! Who takes part, and what has happened to them so far.

use std::collections::HashMap;
use std::sync::Arc;

use lambda_esm_core::Timestamp;
use lambda_esm_engine::Event;

use super::bars::Bars;
use super::fates::Fates;
use super::figures::{Figures, FunctionFigures, count};
use super::identity::{Identity, RecordId};
use super::invocation::{Invocation, Seat};
use super::note::{Note, Settled};
use super::roster::Roster;
use super::steps::Steps;

/// Who takes part: what is known before anything happens.
pub(super) struct Books {
    pub(super) roster: Arc<Roster>,
    pub(super) identity: Arc<dyn Identity>,
    /// By source, the mappings that read it, and which of its readers each is.
    pub(super) readers: Vec<Vec<(usize, usize)>>,
    /// By mapping.
    pub(super) seats: Vec<Seat>,
}

/// What has happened.
pub(super) struct Inner {
    pub(super) begins: Timestamp,
    pub(super) sources: Vec<Fates>,
    pub(super) mappings: Vec<Figures>,
    pub(super) bars: Vec<Bars>,
    pub(super) functions: Vec<FunctionFigures>,
    pub(super) steps: Steps,
    /// Invocations under way.
    pub(super) invocations: HashMap<u64, Invocation>,
    /// Decisions of mappings that the roster does not have yet.
    pub(super) early: Vec<Event>,
}

impl Books {
    pub(super) fn new(roster: Arc<Roster>, identity: Arc<dyn Identity>) -> Self {
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
        Self {
            roster,
            identity,
            readers,
            seats,
        }
    }

    /// Returns that nothing has happened; times are counted from `begins`.
    pub(super) fn nothing(&self, begins: Timestamp) -> Inner {
        let seats = &self.seats;
        let readers = |source: usize| {
            let seats = seats.iter().filter(move |seat| seat.source == source);
            seats.map(|seat| seat.reader + 1).max().unwrap_or_default()
        };
        let functions = seats.iter().map(|seat| seat.function + 1).max();
        Inner {
            begins,
            sources: (0..self.readers.len())
                .map(|source| Fates::new(readers(source)))
                .collect(),
            mappings: seats.iter().map(|_| Figures::default()).collect(),
            bars: seats.iter().map(|_| Bars::new(seats.len())).collect(),
            functions: (0..functions.unwrap_or_default())
                .map(|_| FunctionFigures::default())
                .collect(),
            steps: Steps::new(seats.len()),
            invocations: HashMap::new(),
            early: Vec::new(),
        }
    }

    pub(super) fn take_in_all(&self, inner: &mut Inner, notes: Vec<Note>) {
        for note in notes {
            self.take_in(inner, note);
        }
    }

    /// Makes figures of what has happened.
    pub(super) fn take_in(&self, inner: &mut Inner, note: Note) {
        match note {
            Note::Arrived { source, records } => self.arrived(inner, source, &records),
            Note::Decided(event) => self.decided(inner, event),
            Note::Known => {
                for event in std::mem::take(&mut inner.early) {
                    self.decided(inner, event);
                }
            }
            Note::Settled { mapping, id, how } => self.settled(inner, mapping, id, how),
            Note::Began(begun) => self.began(inner, begun),
            Note::Ended {
                invocation,
                at,
                result,
            } => self.ended(inner, invocation, at, &result),
            Note::Abandoned { invocation, at } => inner.abandoned(invocation, at),
            Note::Sampled(at) => self.sampled(inner, at),
        }
    }

    fn arrived(&self, inner: &mut Inner, source: usize, records: &[(RecordId, Timestamp)]) {
        let Some(readers) = self.readers.get(source) else {
            return;
        };
        for &(id, at) in records {
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

    fn settled(&self, inner: &mut Inner, mapping: usize, id: RecordId, how: Settled) {
        let Some(&Seat { source, reader, .. }) = self.seats.get(mapping) else {
            return;
        };
        if let (Some(figures), Some(fates)) = (
            inner.mappings.get_mut(mapping),
            inner.sources.get_mut(source),
        ) && fates.settle(reader, id)
        {
            match how {
                Settled::Filtered => figures.records.filtered += 1,
                Settled::GivenUp => {}
                Settled::DeadLettered(because) => {
                    count(&mut figures.records.dead_lettered, &because, 1);
                }
            }
        }
    }

    /// Looks at ages and backlogs.
    fn sampled(&self, inner: &mut Inner, now: Timestamp) {
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
}

impl Inner {
    /// Returns a time in milliseconds from the beginning.
    pub(super) fn millis(&self, time: Timestamp) -> u64 {
        u64::try_from(time.since(self.begins).as_millis()).unwrap_or(u64::MAX)
    }
}
