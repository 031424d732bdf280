//! Counters under the names that the service gives its own (Lambda developer guide, "Using CloudWatch
//! metrics with Lambda", event source mapping metrics).

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use lambda_esm_core::decision::Decision;
use prometheus_client::encoding::{EncodeLabel as _, EncodeLabelSet, LabelSetEncoder};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;
use uuid::Uuid;

/// The metrics of one engine.
#[derive(Clone, Debug)]
pub struct Metrics {
    registry: Arc<Mutex<Registry>>,
    families: Arc<Families>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Labels {
    mapping: Uuid,
}

impl EncodeLabelSet for Labels {
    fn encode(&self, encoder: &mut LabelSetEncoder<'_>) -> Result<(), fmt::Error> {
        let mapping = self.mapping.to_string();
        ("event_source_mapping", mapping.as_str()).encode(encoder.encode_label())
    }
}

#[derive(Debug, Default)]
struct Families {
    polled: Family<Labels, Counter>,
    filtered_out: Family<Labels, Counter>,
    passed_over: Family<Labels, Counter>,
    invoked: Family<Labels, Counter>,
    failed_invoke: Family<Labels, Counter>,
    deleted: Family<Labels, Counter>,
    polling_errors: Family<Labels, Counter>,
    dropped: Family<Labels, Counter>,
    on_failure_delivered: Family<Labels, Counter>,
    delivery_failures: Family<Labels, Counter>,
    concurrency: Family<Labels, Gauge>,
    iterator_age: Family<Labels, Gauge>,
}

impl Families {
    const fn counters(&self) -> [&Family<Labels, Counter>; 10] {
        [
            &self.polled,
            &self.filtered_out,
            &self.passed_over,
            &self.invoked,
            &self.failed_invoke,
            &self.deleted,
            &self.polling_errors,
            &self.dropped,
            &self.on_failure_delivered,
            &self.delivery_failures,
        ]
    }
}

/// Names and meanings of the counters, in the order of [`Families::counters`].
const COUNTERS: [(&str, &str); 10] = [
    ("PolledEventCount", "Records read from the source"),
    ("FilteredOutEventCount", "Records that matched no filter"),
    (
        "PassedOverEventCount",
        "Records left out because they arrived before the starting position",
    ),
    ("InvokedEventCount", "Records sent to the function"),
    ("FailedInvokeEventCount", "Records whose invocation failed"),
    ("DeletedEventCount", "Messages deleted from the queue"),
    ("PollingErrorCount", "Reads of the source that failed"),
    (
        "DroppedEventCount",
        "Records given up without an on-failure destination being told",
    ),
    (
        "OnFailureDestinationDeliveredEventCount",
        "Records given up of which the on-failure destination was told",
    ),
    (
        "DestinationDeliveryFailures",
        "Deliveries to the on-failure destination that failed for good",
    ),
];

impl Metrics {
    pub(crate) fn new() -> Self {
        let families = Families::default();
        let mut registry = Registry::with_prefix("aws_lambda");
        for ((name, help), family) in COUNTERS.into_iter().zip(families.counters()) {
            registry.register(name, help, family.clone());
        }
        let help = "Concurrent batches that the mapping allows itself";
        registry.register("ConcurrencyLimit", help, families.concurrency.clone());
        let help = "Milliseconds between the last record of a shard's latest batch and its invocation, of \
                    the shard where that is most; 0 while no shard has records in hand";
        registry.register("IteratorAge", help, families.iterator_age.clone());
        Self {
            registry: Arc::new(Mutex::new(registry)),
            families: Arc::new(families),
        }
    }

    /// Returns all metrics in the OpenMetrics text format.
    #[must_use]
    pub fn render(&self) -> String {
        let registry = self.registry.lock().unwrap_or_else(PoisonError::into_inner);
        let mut text = String::new();
        match prometheus_client::encoding::text::encode(&mut text, &registry) {
            Ok(()) => text,
            Err(error) => format!("# cannot be encoded: {error}\n"),
        }
    }

    pub(crate) fn mapping(&self, mapping: Uuid) -> MappingMetrics {
        let labels = Labels { mapping };
        let families = &self.families;
        MappingMetrics {
            polled: families.polled.get_or_create(&labels).clone(),
            filtered_out: families.filtered_out.get_or_create(&labels).clone(),
            passed_over: families.passed_over.get_or_create(&labels).clone(),
            invoked: families.invoked.get_or_create(&labels).clone(),
            failed_invoke: families.failed_invoke.get_or_create(&labels).clone(),
            deleted: families.deleted.get_or_create(&labels).clone(),
            polling_errors: families.polling_errors.get_or_create(&labels).clone(),
            dropped: families.dropped.get_or_create(&labels).clone(),
            on_failure_delivered: families.on_failure_delivered.get_or_create(&labels).clone(),
            delivery_failures: families.delivery_failures.get_or_create(&labels).clone(),
            iterator_age: families.iterator_age.get_or_create(&labels).clone(),
            concurrency: families.concurrency.get_or_create(&labels).clone(),
        }
    }

    /// Forgets a deleted mapping, so that its label set does not live forever.
    pub(crate) fn forget(&self, mapping: Uuid) {
        let labels = Labels { mapping };
        let families = &self.families;
        for family in families.counters() {
            family.remove(&labels);
        }
        families.iterator_age.remove(&labels);
        families.concurrency.remove(&labels);
    }
}

/// The counters of one mapping.
#[derive(Clone, Debug)]
pub(crate) struct MappingMetrics {
    polled: Counter,
    filtered_out: Counter,
    passed_over: Counter,
    invoked: Counter,
    failed_invoke: Counter,
    deleted: Counter,
    polling_errors: Counter,
    dropped: Counter,
    on_failure_delivered: Counter,
    delivery_failures: Counter,
    concurrency: Gauge,
    iterator_age: Gauge,
}

/// A mapping's counters at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Counts {
    /// Records read from the source.
    pub polled_event_count: u64,
    /// Records that matched no filter.
    pub filtered_out_event_count: u64,
    /// Records sent to the function; a record tried again counts again.
    pub invoked_event_count: u64,
    /// Records whose invocation failed.
    pub failed_invoke_event_count: u64,
    /// Messages deleted from the queue.
    pub deleted_event_count: u64,
    /// Records given up without an on-failure destination being told.
    pub dropped_event_count: u64,
    /// Records given up of which the on-failure destination was told.
    pub on_failure_destination_delivered_event_count: u64,
}

impl MappingMetrics {
    pub(crate) fn count(&self, decision: &Decision) {
        let add = |counter: &Counter, events: usize| {
            counter.inc_by(events as u64);
        };
        match decision {
            Decision::Polled { messages } => add(&self.polled, *messages),
            Decision::PollFailed { .. } => add(&self.polling_errors, 1),
            Decision::Filtered { .. } => add(&self.filtered_out, 1),
            Decision::Skipped { records, .. } => add(&self.filtered_out, *records),
            Decision::PassedOver { records, .. } => add(&self.passed_over, *records),
            Decision::Invoked { records, .. } => add(&self.invoked, *records),
            // With partial responses, every event of a failing response counts.
            Decision::Failed { records, .. }
            | Decision::PartiallyFailed { records, .. }
            | Decision::AttemptFailed { records, .. }
            | Decision::PartlyProcessed { records, .. } => add(&self.failed_invoke, *records),
            Decision::Discarded {
                records,
                destination: None,
                ..
            } => add(&self.dropped, *records),
            Decision::Delivered { records, .. } => add(&self.on_failure_delivered, *records),
            Decision::DeliveryFailed { records, .. } => {
                add(&self.delivery_failures, 1);
                add(&self.dropped, *records);
            }
            Decision::Deferred { records, .. } => add(&self.failed_invoke, *records),
            Decision::Deleted { messages } => add(&self.deleted, *messages),
            _ => {}
        }
    }

    pub(crate) fn show(&self, concurrency: usize, iterator_age_ms: Option<u64>) {
        self.concurrency
            .set(i64::try_from(concurrency).unwrap_or(i64::MAX));
        let age = iterator_age_ms.unwrap_or_default();
        self.iterator_age
            .set(i64::try_from(age).unwrap_or(i64::MAX));
    }

    pub(crate) fn counts(&self) -> Counts {
        Counts {
            polled_event_count: self.polled.get(),
            filtered_out_event_count: self.filtered_out.get(),
            invoked_event_count: self.invoked.get(),
            failed_invoke_event_count: self.failed_invoke.get(),
            deleted_event_count: self.deleted.get(),
            dropped_event_count: self.dropped.get(),
            on_failure_destination_delivered_event_count: self.on_failure_delivered.get(),
        }
    }
}
