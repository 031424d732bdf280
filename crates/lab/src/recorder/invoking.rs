//! What the recorder makes of invocations.

use std::sync::Arc;

use lambda_esm_core::decision::BatchId;
use lambda_esm_core::fault::{InvokeError, InvokeErrorKind};
use lambda_esm_engine::ports::{InvokeAnswer, InvokeRequest};

use super::fates::Processed;
use super::identity::{RecordId, find_records};
use super::invocation::{Invocation, Seat};
use super::recording::{Inner, Recorder};
use super::verdict::{Answered, answered};
use crate::report::Outcome;

impl Recorder {
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
        let at_ms = inner.millis(began);
        let figures = inner.mappings.get_mut(mapping)?;
        figures.concurrency.begin(at_ms);
        let at_a_time = figures.concurrency.running;
        let records: Arc<[RecordId]> = records.into();
        if let Some(batch) = request.batch {
            if let Some(bars) = inner.bars.get_mut(mapping) {
                bars.begin(batch.0, at_ms, request.payload.len());
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
        Some(Invocation {
            mapping,
            payload: request.payload.clone(),
            records,
            size,
            batch: request.batch.map_or(0, |batch| batch.0),
            began,
            at_a_time,
            at_a_time_in_all,
            seat,
            reports_failures,
        })
    }

    /// Returns how many records a batch under way has, as far as the recorder knows it.
    pub(crate) fn size(&self, mapping: Option<usize>, batch: Option<BatchId>) -> u64 {
        let inner = self.lock();
        let figures = mapping.and_then(|mapping| inner.mappings.get(mapping));
        let records = figures.zip(batch);
        let records = records.and_then(|(figures, batch)| figures.batches.get(&batch));
        records.map_or(0, |records| records.len() as u64)
    }

    /// An invocation has ended.
    pub(super) fn ended(
        &self,
        invocation: &Invocation,
        result: &Result<InvokeAnswer, InvokeError>,
    ) {
        let reached = result
            .as_ref()
            .map_or_else(|error| error.kind.reached_function(), |_| true);
        let mut inner = self.lock();
        // It belongs to what was recorded before.
        if invocation.began < inner.begins {
            return;
        }
        if reached {
            self.answered(&mut inner, invocation, result);
        } else {
            let throttled = matches!(result, Err(error) if matches!(error.kind, InvokeErrorKind::Throttled { .. }));
            self.not_reached(&mut inner, invocation, throttled);
        }
    }

    fn not_reached(&self, inner: &mut Inner, invocation: &Invocation, throttled: bool) {
        let at_ms = inner.millis(self.clock.now());
        inner.end(invocation, at_ms, Outcome::NotReached);
        if !throttled {
            return;
        }
        if let Some(figures) = inner.mappings.get_mut(invocation.mapping) {
            figures.throttles += 1;
        }
        inner.steps.at(invocation.mapping, at_ms).throttles += 1;
        if let Some(function) = inner.functions.get_mut(invocation.seat.function) {
            function.throttles += 1;
        }
    }

    fn answered(
        &self,
        inner: &mut Inner,
        invocation: &Invocation,
        result: &Result<InvokeAnswer, InvokeError>,
    ) {
        let now = self.clock.now();
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

    /// An invocation was given up: it may have run.
    pub(super) fn abandoned(&self, invocation: &Invocation) {
        let mut inner = self.lock();
        let at_ms = inner.millis(self.clock.now());
        inner.end(invocation, at_ms, Outcome::Failed);
    }
}

impl Inner {
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
