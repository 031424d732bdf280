//! What the recorder makes of invocations.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use lambda_esm_core::Timestamp;
use lambda_esm_core::fault::{InvokeError, InvokeErrorKind};
use lambda_esm_engine::ports::{InvokeAnswer, InvokeRequest};

use super::books::{Books, Inner};
use super::fates::Processed;
use super::identity::{RecordId, find_records};
use super::invocation::{Begun, Invocation, Seat};
use super::note::Note;
use super::recording::Recorder;
use super::verdict::{Answered, answered};
use crate::report::Outcome;

impl Recorder {
    /// An invocation begins; returns its name, or `None` if it comes from no mapping that is known.
    pub(super) fn began(&self, request: &InvokeRequest) -> Option<u64> {
        let roster = &self.books.roster;
        let mapping = roster.place(request.mapping)?;
        let seat = *self.books.seats.get(mapping)?;
        let reports_failures = roster.with(mapping, |spec| spec.reports_failures)?;
        let invocation = self.begun.fetch_add(1, Ordering::Relaxed);
        self.desk.tell(Note::Began(Begun {
            invocation,
            seat,
            mapping,
            batch: request.batch,
            reports_failures,
            payload: request.payload.clone(),
            unwritten: request.unwritten,
            at: self.clock.now(),
        }));
        Some(invocation)
    }

    /// An invocation has ended.
    pub(super) fn ended(&self, invocation: u64, result: &Result<InvokeAnswer, InvokeError>) {
        self.desk.tell(Note::Ended {
            invocation,
            at: self.clock.now(),
            result: result.clone(),
        });
    }

    /// An invocation was given up: it may have run.
    pub(super) fn abandoned(&self, invocation: u64) {
        let at = self.clock.now();
        self.desk.tell(Note::Abandoned { invocation, at });
    }
}

impl Books {
    pub(super) fn began(&self, inner: &mut Inner, begun: Begun) {
        let Begun { seat, mapping, .. } = begun;
        let Some(source) = self.roster.sources.get(seat.source) else {
            return;
        };
        let (mut records, mut size) = (Vec::new(), 0);
        find_records(source.kind, &begun.payload, |name| {
            size += 1;
            records.extend(self.identity.record(seat.source, name));
        });
        let at_ms = inner.millis(begun.at);
        let Some(figures) = inner.mappings.get_mut(mapping) else {
            return;
        };
        figures.concurrency.begin(at_ms);
        let at_a_time = figures.concurrency.running;
        let records: Arc<[RecordId]> = records.into();
        if let Some(batch) = begun.batch {
            if let Some(bars) = inner.bars.get_mut(mapping) {
                let bytes = begun.payload.len() + begun.unwritten;
                bars.begin(batch.0, at_ms, bytes);
            }
            figures
                .batches
                .entry(batch)
                .or_insert_with(|| records.clone());
        }
        let function = inner.functions.get_mut(seat.function);
        let at_a_time_in_all = function.map_or(0, |function| {
            function.running += 1;
            function.running
        });
        let invocation = Invocation {
            mapping,
            payload: begun.payload,
            records,
            size,
            batch: begun.batch.map_or(0, |batch| batch.0),
            began: begun.at,
            at_a_time,
            at_a_time_in_all,
            seat,
            reports_failures: begun.reports_failures,
        };
        inner.invocations.insert(begun.invocation, invocation);
    }

    /// An invocation has ended. One that is not known belongs to what was recorded before.
    pub(super) fn ended(
        &self,
        inner: &mut Inner,
        invocation: u64,
        now: Timestamp,
        result: &Result<InvokeAnswer, InvokeError>,
    ) {
        let Some(invocation) = inner.invocations.remove(&invocation) else {
            return;
        };
        let reached = result
            .as_ref()
            .map_or_else(|error| error.kind.reached_function(), |_| true);
        if reached {
            self.answered(inner, &invocation, now, result);
        } else {
            let throttled = matches!(result, Err(error) if matches!(error.kind, InvokeErrorKind::Throttled { .. }));
            inner.not_reached(&invocation, now, throttled);
        }
    }

    fn answered(
        &self,
        inner: &mut Inner,
        invocation: &Invocation,
        now: Timestamp,
        result: &Result<InvokeAnswer, InvokeError>,
    ) {
        let Seat {
            source,
            reader,
            function,
        } = invocation.seat;
        let answered = answered(invocation, self.roster.sources.get(source), result);
        let outcome = match &answered {
            Answered::Failed { .. } => Outcome::Failed,
            Answered::Processed { partly: true, .. } => Outcome::PartlyProcessed,
            Answered::Processed { .. } => Outcome::Processed,
        };
        let at_ms = inner.millis(now);
        inner.end(invocation, at_ms, outcome);
        let began_ms = inner.millis(invocation.began);
        // Those that were throttled were not at work, so this is known only now.
        let at_a_time = invocation.at_a_time;
        let step = inner.steps.at(invocation.mapping, began_ms);
        step.invocations += 1;
        step.concurrency = step.concurrency.max(at_a_time);
        if let Some(function) = inner.functions.get_mut(function) {
            let took = now.since(invocation.began).as_millis() as u64;
            function.max = function.max.max(invocation.at_a_time_in_all);
            function.invocations += 1;
            function.duration.add(took);
            function.billed_ms += took;
        }
        let (Some(figures), Some(fates)) = (
            inner.mappings.get_mut(invocation.mapping),
            inner.sources.get_mut(source),
        ) else {
            return;
        };
        figures.concurrency.max = figures.concurrency.max.max(at_a_time);
        figures.invocations += 1;
        *figures.batch_sizes.entry(invocation.size).or_default() += 1;
        figures.retries += u64::from(fates.send(reader, &invocation.records));
        let step = inner.steps.at(invocation.mapping, at_ms);
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
}

impl Inner {
    fn not_reached(&mut self, invocation: &Invocation, now: Timestamp, throttled: bool) {
        let at_ms = self.millis(now);
        self.end(invocation, at_ms, Outcome::NotReached);
        if !throttled {
            return;
        }
        if let Some(figures) = self.mappings.get_mut(invocation.mapping) {
            figures.throttles += 1;
        }
        self.steps.at(invocation.mapping, at_ms).throttles += 1;
        if let Some(function) = self.functions.get_mut(invocation.seat.function) {
            function.throttles += 1;
        }
    }

    /// An invocation was given up: it may have run.
    pub(super) fn abandoned(&mut self, invocation: u64, at: Timestamp) {
        if let Some(invocation) = self.invocations.remove(&invocation) {
            let at_ms = self.millis(at);
            self.end(&invocation, at_ms, Outcome::Failed);
        }
    }

    fn end(&mut self, invocation: &Invocation, at_ms: u64, outcome: Outcome) {
        if let Some(figures) = self.mappings.get_mut(invocation.mapping) {
            figures.concurrency.end(at_ms);
        }
        if let Some(function) = self.functions.get_mut(invocation.seat.function) {
            function.running = function.running.saturating_sub(1);
        }
        if let Some(bars) = self.bars.get_mut(invocation.mapping) {
            bars.end(invocation.batch, at_ms, outcome);
        }
    }
}
