//! The figures of one mapping.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;

use lambda_esm_core::batching::CloseReason;
use lambda_esm_core::decision::{AfterFailure, BatchId, Decision};
use lambda_esm_core::on_failure_record::Condition;
use lambda_esm_core::stream::ShardId;
use serde::Serialize;

use super::durations::Durations;
use super::identity::RecordId;
use crate::report::{Histogram, MappingReport, Records};

/// Why records are dropped whose on-failure destination could not be told.
const UNTOLD: &str = "DestinationFailed";

/// Why records are dropped that arrived before the mapping's starting position.
const EARLY: &str = "BeforeStartingPosition";

/// What one mapping did so far.
#[derive(Debug, Default)]
pub(super) struct Figures {
    pub(super) records: Records,
    pub(super) invocations: u64,
    pub(super) retries: u64,
    bisects: u64,
    pub(super) partial_failures: u64,
    pub(super) errors: u64,
    pub(super) timeouts: u64,
    pub(super) throttles: u64,
    pub(super) batch_sizes: Histogram,
    /// With as few reasons as there are, a list is the fastest map.
    batch_reasons: Vec<(CloseReason, u64)>,
    pub(super) latency: Durations,
    pub(super) age: Durations,
    pub(super) concurrency: Concurrency,
    decisions: BTreeMap<&'static str, u64>,
    /// The records of batches that are not over yet.
    pub(super) batches: HashMap<BatchId, Arc<[RecordId]>>,
    /// Records that the on-failure destination is to be told of: their shard, how many, and why.
    telling: VecDeque<(ShardId, u64, Condition)>,
}

/// What one function did so far, for all mappings.
#[derive(Debug, Default)]
pub(super) struct FunctionFigures {
    pub(super) running: u64,
    pub(super) max: u64,
    pub(super) invocations: u64,
    pub(super) throttles: u64,
    pub(super) duration: Durations,
    pub(super) billed_ms: u64,
}

/// Invocations at a time.
#[derive(Debug, Default)]
pub(super) struct Concurrency {
    pub(super) running: u64,
    pub(super) max: u64,
    since_ms: u64,
    busy_ms: u64,
    /// Invocations times milliseconds.
    area: u128,
}

impl Concurrency {
    pub(super) fn begin(&mut self, now_ms: u64) {
        self.pass(now_ms);
        self.running += 1;
    }

    pub(super) fn end(&mut self, now_ms: u64) {
        self.pass(now_ms);
        self.running = self.running.saturating_sub(1);
    }

    pub(super) fn pass(&mut self, now_ms: u64) {
        let passed = now_ms.saturating_sub(self.since_ms);
        self.since_ms = self.since_ms.max(now_ms);
        if self.running > 0 {
            self.busy_ms += passed;
            self.area += u128::from(self.running) * u128::from(passed);
        }
    }

    fn mean(&self) -> f64 {
        if self.busy_ms == 0 {
            return 0.0;
        }
        self.area as f64 / self.busy_ms as f64
    }
}

impl Figures {
    /// Counts a decision.
    pub(super) fn decide(&mut self, decision: &Decision) {
        *self.decisions.entry(decision.kind()).or_default() += 1;
        match decision {
            Decision::BatchClosed { reason, .. } => {
                let mut reasons = self.batch_reasons.iter_mut();
                match reasons.find(|(known, _)| known == reason) {
                    Some((_, count)) => *count += 1,
                    None => self.batch_reasons.push((*reason, 1)),
                }
            }
            Decision::AttemptFailed {
                then: AfterFailure::Split { .. },
                ..
            } => self.bisects += 1,
            Decision::Discarded {
                shard,
                records,
                condition,
                destination,
                ..
            } => {
                let records = *records as u64;
                if destination.is_none() {
                    count(&mut self.records.dropped, condition.as_str(), records);
                } else {
                    count(&mut self.records.dead_lettered, condition.as_str(), records);
                    self.telling.push_back((shard.clone(), records, *condition));
                }
            }
            Decision::Delivered { shard, records, .. } => {
                self.told(shard, *records as u64);
            }
            Decision::DeliveryFailed { shard, records, .. } => {
                let records = *records as u64;
                if let Some(condition) = self.told(shard, records)
                    && let Some(count) = self.records.dead_lettered.get_mut(condition.as_str())
                {
                    *count = count.saturating_sub(records);
                }
                count(&mut self.records.dropped, UNTOLD, records);
            }
            Decision::PassedOver { records, .. } => {
                count(&mut self.records.dropped, EARLY, *records as u64);
            }
            _ => {}
        }
    }

    fn told(&mut self, shard: &ShardId, records: u64) -> Option<Condition> {
        let mut telling = self.telling.iter();
        let place = telling.position(|told| told.0 == *shard && told.1 == records)?;
        self.telling.remove(place).map(|told| told.2)
    }

    /// Writes the figures into a report that has the names.
    pub(super) fn report(self, report: MappingReport) -> MappingReport {
        MappingReport {
            records: self.records,
            invocations: self.invocations,
            retries: self.retries,
            bisects: self.bisects,
            partial_failures: self.partial_failures,
            errors: self.errors,
            timeouts: self.timeouts,
            throttles: self.throttles,
            batch_sizes: self.batch_sizes,
            batch_reasons: self.batch_reasons.iter().map(by_word).collect(),
            latency: self.latency.summary(),
            age: self.age.summary(),
            mean_concurrency: self.concurrency.mean(),
            max_concurrency: self.concurrency.max,
            decisions: self.decisions.into_iter().map(by_name).collect(),
            ..report
        }
    }
}

pub(super) fn count(counts: &mut BTreeMap<String, u64>, name: &str, more: u64) {
    match counts.get_mut(name) {
        Some(count) => *count += more,
        None => {
            counts.insert(name.to_owned(), more);
        }
    }
}

fn by_word((reason, count): &(CloseReason, u64)) -> (String, u64) {
    (word(reason), *count)
}

fn by_name((name, count): (&str, u64)) -> (String, u64) {
    (name.to_owned(), count)
}

/// Returns the word that stands for a value in JSON.
pub(super) fn word(value: &impl Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(word)) => word,
        _ => String::new(),
    }
}
