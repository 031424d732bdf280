//! What is counted of one mapping.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use lambda_esm_core::activity::Activity;
use lambda_esm_core::decision::Decision;
use lambda_esm_core::on_failure_record::Condition;

/// A number that several can count and show.
#[derive(Clone, Debug, Default)]
pub(crate) struct Number(Arc<AtomicU64>);

impl Number {
    fn add(&self, more: u64) {
        self.0.fetch_add(more, Ordering::Relaxed);
    }

    fn set(&self, value: u64) {
        self.0.store(value, Ordering::Relaxed);
    }

    pub(crate) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// A number that several set and show; greater than any lag while it is not known.
#[derive(Clone, Debug)]
pub(crate) struct Lag(Arc<AtomicU64>);

impl Lag {
    const UNKNOWN: u64 = u64::MAX;

    fn set(&self, value: Option<u64>) {
        let value = value.unwrap_or(Self::UNKNOWN);
        self.0.store(value, Ordering::Relaxed);
    }

    pub(crate) fn get(&self) -> Option<u64> {
        Some(self.0.load(Ordering::Relaxed)).filter(|&value| value != Self::UNKNOWN)
    }
}

impl Default for Lag {
    fn default() -> Self {
        Self(Arc::new(AtomicU64::new(Self::UNKNOWN)))
    }
}

/// The counters of one mapping.
#[derive(Clone, Debug, Default)]
pub(crate) struct MappingMetrics {
    pub(crate) polled: Number,
    pub(crate) filtered_out: Number,
    pub(crate) passed_over: Number,
    pub(crate) invoked: Number,
    pub(crate) failed_invoke: Number,
    pub(crate) deleted: Number,
    pub(crate) acknowledged: Number,
    pub(crate) committed: Number,
    pub(crate) polling_errors: Number,
    pub(crate) invoke_errors: Number,
    pub(crate) schema_registry_errors: Number,
    pub(crate) commit_errors: Number,
    pub(crate) dropped: Number,
    pub(crate) oversized: Number,
    pub(crate) on_failure_delivered: Number,
    pub(crate) delivery_errors: Number,
    pub(crate) delivery_failures: Number,
    pub(crate) concurrency: Number,
    pub(crate) iterator_age: Number,
    pub(crate) sum_offset_lag: Lag,
    pub(crate) max_offset_lag: Lag,
}

/// A mapping's counters at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct Counts {
    /// Records read from the source.
    pub polled_event_count: u64,
    /// Records that matched no filter.
    pub filtered_out_event_count: u64,
    /// Records left out because they arrived before the starting position.
    pub passed_over_event_count: u64,
    /// Records sent to the function; a record tried again counts again.
    pub invoked_event_count: u64,
    /// Records whose invocation failed.
    pub failed_invoke_event_count: u64,
    /// Messages deleted from the queue; of a broker's queue, acknowledged; of a share group, accepted.
    pub deleted_event_count: u64,
    /// Of a topic, by how much the offsets committed to the consumer group have grown.
    pub committed_event_count: u64,
    /// Reads of the source that failed.
    pub polling_error_count: u64,
    /// Batches whose invocation failed, each try for itself.
    pub invoke_error_count: u64,
    /// Records that could not be decoded by a schema, and tries that failed to ask the registry for one.
    pub schema_registry_error_count: u64,
    /// Positions that could not be kept, each try for itself: of a topic, commits to the consumer group that failed.
    pub commit_error_count: u64,
    /// Records given up without an on-failure destination being told.
    pub dropped_event_count: u64,
    /// Of these and of those below, records whose event alone would have been too large.
    pub oversized_record_count: u64,
    /// Records given up of which the on-failure destination was told.
    pub on_failure_destination_delivered_event_count: u64,
    /// Tries to tell the on-failure destination that failed.
    pub on_failure_destination_delivery_error_count: u64,
    /// Deliveries to the on-failure destination that failed for good.
    pub destination_delivery_failures: u64,
}

impl MappingMetrics {
    pub(crate) fn count(&self, decision: &Decision) {
        let add = |counter: &Number, events: usize| counter.add(events as u64);
        match decision {
            Decision::Polled { messages, .. } => add(&self.polled, *messages),
            Decision::PollFailed { .. } => add(&self.polling_errors, 1),
            Decision::SchemaRegistryFailed { .. } => add(&self.schema_registry_errors, 1),
            Decision::Filtered { .. } => add(&self.filtered_out, 1),
            Decision::Skipped { records, .. } => add(&self.filtered_out, *records),
            Decision::PassedOver { records, .. } => add(&self.passed_over, *records),
            Decision::Invoked { records, .. } => add(&self.invoked, *records),
            // With partial responses, every event of a failing response counts.
            Decision::Failed { records, .. }
            | Decision::PartiallyFailed { records, .. }
            | Decision::AttemptFailed { records, .. }
            | Decision::PartlyProcessed { records, .. }
            | Decision::Deferred { records, .. } => {
                add(&self.failed_invoke, *records);
                add(&self.invoke_errors, 1);
            }
            Decision::Discarded {
                records,
                condition,
                destination,
                ..
            } => {
                if is_undecoded(*condition) {
                    add(&self.schema_registry_errors, *records);
                }
                if *condition == Condition::MaximumPayloadSizeExceeded {
                    add(&self.oversized, *records);
                }
                if destination.is_none() {
                    add(&self.dropped, *records);
                }
            }
            Decision::Delivered { records, .. } => add(&self.on_failure_delivered, *records),
            Decision::DeliveryDeferred { .. } => add(&self.delivery_errors, 1),
            Decision::DeliveryFailed { records, .. } => {
                add(&self.delivery_errors, 1);
                add(&self.delivery_failures, 1);
                add(&self.dropped, *records);
            }
            Decision::Deleted { messages, .. } => {
                add(&self.deleted, *messages);
                add(&self.acknowledged, *messages);
            }
            Decision::Rejected { messages, .. } => add(&self.acknowledged, *messages),
            Decision::OffsetCommitted { events, .. } => add(&self.committed, *events),
            Decision::CommitFailed { .. } => add(&self.commit_errors, 1),
            _ => {}
        }
    }

    pub(crate) fn show(&self, activity: &Activity) {
        self.concurrency.set(activity.concurrency as u64);
        self.iterator_age
            .set(activity.iterator_age_ms.unwrap_or_default());
        self.sum_offset_lag.set(activity.sum_offset_lag);
        self.max_offset_lag.set(activity.max_offset_lag);
    }

    pub(crate) fn counts(&self) -> Counts {
        Counts {
            polled_event_count: self.polled.get(),
            filtered_out_event_count: self.filtered_out.get(),
            passed_over_event_count: self.passed_over.get(),
            invoked_event_count: self.invoked.get(),
            failed_invoke_event_count: self.failed_invoke.get(),
            deleted_event_count: self.deleted.get(),
            committed_event_count: self.committed.get(),
            polling_error_count: self.polling_errors.get(),
            invoke_error_count: self.invoke_errors.get(),
            schema_registry_error_count: self.schema_registry_errors.get(),
            commit_error_count: self.commit_errors.get(),
            dropped_event_count: self.dropped.get(),
            oversized_record_count: self.oversized.get(),
            on_failure_destination_delivered_event_count: self.on_failure_delivered.get(),
            on_failure_destination_delivery_error_count: self.delivery_errors.get(),
            destination_delivery_failures: self.delivery_failures.get(),
        }
    }
}

/// Tells whether records are given up because no schema fits them.
const fn is_undecoded(condition: Condition) -> bool {
    matches!(
        condition,
        Condition::SchemaNotFound | Condition::DeserializationError
    )
}
