//! Counters under the names that the service gives its own (Lambda developer guide, "Using CloudWatch
//! metrics with Lambda", event source mapping metrics).

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use lambda_esm_core::decision::Decision;
use lambda_esm_core::mapping::Mapping;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;
use uuid::Uuid;

/// The metrics of one engine. Each mapping's are labelled with its UUID, its source and its function.
#[derive(Clone, Debug)]
pub struct Metrics {
    registry: Arc<Mutex<Registry>>,
    mappings: Mappings,
}

/// The mappings that have metrics.
#[derive(Clone, Debug, Default)]
struct Mappings(Arc<RwLock<BTreeMap<Uuid, Labelled>>>);

#[derive(Debug)]
struct Labelled {
    labels: Vec<(&'static str, String)>,
    metrics: MappingMetrics,
}

/// Names and meanings of the counters, in the order of [`MappingMetrics::counters`].
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

/// Names and meanings of the gauges, in the order of [`MappingMetrics::gauges`].
const GAUGES: [(&str, &str); 2] = [
    (
        "ConcurrencyLimit",
        "Concurrent batches that the mapping allows itself",
    ),
    (
        "IteratorAge",
        "Milliseconds between the last record of a shard's latest batch and its invocation, of the shard where \
         that is most; 0 while no shard has records in hand",
    ),
];

impl Collector for Mappings {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let mappings = self.0.read().unwrap_or_else(PoisonError::into_inner);
        for (index, (name, help)) in COUNTERS.into_iter().enumerate() {
            let of = |metrics: &MappingMetrics| metrics.counters()[index].clone();
            family(&mut encoder, name, help, &mappings, of)?;
        }
        for (index, (name, help)) in GAUGES.into_iter().enumerate() {
            let of = |metrics: &MappingMetrics| metrics.gauges()[index].clone();
            family(&mut encoder, name, help, &mappings, of)?;
        }
        Ok(())
    }
}

/// Writes one metric of all mappings.
fn family<M: EncodeMetric + Default>(
    encoder: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    mappings: &BTreeMap<Uuid, Labelled>,
    of: impl Fn(&MappingMetrics) -> M,
) -> Result<(), fmt::Error> {
    let kind = M::default().metric_type();
    let mut family = encoder.encode_descriptor(name, &format!("{help}."), None, kind)?;
    mappings.values().try_for_each(|mapping| {
        let labels = mapping.labels.as_slice();
        of(&mapping.metrics).encode(family.encode_family(&labels)?)
    })
}

impl Metrics {
    pub(crate) fn new() -> Self {
        let mappings = Mappings::default();
        let mut registry = Registry::with_prefix("aws_lambda");
        registry.register_collector(Box::new(mappings.clone()));
        Self {
            registry: Arc::new(Mutex::new(registry)),
            mappings,
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

    /// Returns the metrics of a mapping under its labels of now. It keeps them when these change.
    pub(crate) fn of(&self, mapping: &Mapping) -> MappingMetrics {
        let labels = vec![
            ("event_source_mapping", mapping.uuid.to_string()),
            ("event_source", mapping.source.name()),
            ("function", mapping.function.qualified_name()),
        ];
        let mappings = &self.mappings.0;
        let mut mappings = mappings.write().unwrap_or_else(PoisonError::into_inner);
        let metrics = match mappings.remove(&mapping.uuid) {
            Some(known) => known.metrics,
            None => MappingMetrics::default(),
        };
        let labelled = Labelled {
            labels,
            metrics: metrics.clone(),
        };
        mappings.insert(mapping.uuid, labelled);
        metrics
    }

    /// Forgets a deleted mapping.
    pub(crate) fn forget(&self, mapping: Uuid) {
        let mappings = &self.mappings.0;
        let mut mappings = mappings.write().unwrap_or_else(PoisonError::into_inner);
        mappings.remove(&mapping);
    }
}

/// The counters of one mapping.
#[derive(Clone, Debug, Default)]
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
    /// Messages deleted from the queue.
    pub deleted_event_count: u64,
    /// Reads of the source that failed.
    pub polling_error_count: u64,
    /// Records given up without an on-failure destination being told.
    pub dropped_event_count: u64,
    /// Records given up of which the on-failure destination was told.
    pub on_failure_destination_delivered_event_count: u64,
    /// Deliveries to the on-failure destination that failed for good.
    pub destination_delivery_failures: u64,
}

impl MappingMetrics {
    const fn counters(&self) -> [&Counter; 10] {
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

    const fn gauges(&self) -> [&Gauge; 2] {
        [&self.concurrency, &self.iterator_age]
    }

    pub(crate) fn count(&self, decision: &Decision) {
        let add = |counter: &Counter, events: usize| {
            counter.inc_by(events as u64);
        };
        match decision {
            Decision::Polled { messages, .. } => add(&self.polled, *messages),
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
            Decision::Deleted { messages, .. } => add(&self.deleted, *messages),
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
            passed_over_event_count: self.passed_over.get(),
            invoked_event_count: self.invoked.get(),
            failed_invoke_event_count: self.failed_invoke.get(),
            deleted_event_count: self.deleted.get(),
            polling_error_count: self.polling_errors.get(),
            dropped_event_count: self.dropped.get(),
            on_failure_destination_delivered_event_count: self.on_failure_delivered.get(),
            destination_delivery_failures: self.delivery_failures.get(),
        }
    }
}
