//! Counters under the names that the service gives its own (Lambda developer guide, "Using CloudWatch
//! metrics with Lambda", event source mapping metrics).

use std::collections::BTreeMap;
use std::fmt::{self, Write as _};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use lambda_esm_core::decision::Decision;
use lambda_esm_core::mapping::Mapping;
use uuid::Uuid;

/// The metrics of one engine. Each mapping's are labelled with its UUID, its source and its function.
#[derive(Clone, Debug)]
pub struct Metrics {
    mappings: Mappings,
}

/// The mappings that have metrics.
#[derive(Clone, Debug, Default)]
struct Mappings(Arc<RwLock<BTreeMap<Uuid, Labelled>>>);

/// Names and values.
type Labels = Vec<(String, String)>;

#[derive(Debug)]
struct Labelled {
    labels: Labels,
    metrics: MappingMetrics,
}

impl Mappings {
    fn read(&self) -> RwLockReadGuard<'_, BTreeMap<Uuid, Labelled>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, BTreeMap<Uuid, Labelled>> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }
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

/// The mappings of several engines, each engine's with labels of their own.
struct Page(Vec<(Labels, Mappings)>);

impl Page {
    /// Returns the text of the page, without its end (OpenMetrics 1.0).
    fn render(&self) -> String {
        let mut text = String::new();
        // Writing to a text cannot fail.
        self.write(&mut text).unwrap_or_default();
        text
    }

    fn write(&self, text: &mut String) -> fmt::Result {
        for (index, (name, help)) in COUNTERS.into_iter().enumerate() {
            let of = |metrics: &MappingMetrics| metrics.counters()[index].get();
            self.family(text, (name, help, "counter", "_total"), of)?;
        }
        for (index, (name, help)) in GAUGES.into_iter().enumerate() {
            let of = |metrics: &MappingMetrics| metrics.gauges()[index].get();
            self.family(text, (name, help, "gauge", ""), of)?;
        }
        Ok(())
    }

    /// Writes one metric of all mappings: its name, meaning, type, and the suffix of its samples.
    fn family(
        &self,
        text: &mut String,
        (name, help, kind, suffix): (&str, &str, &str, &str),
        of: impl Fn(&MappingMetrics) -> u64,
    ) -> fmt::Result {
        let name = format!("aws_lambda_{name}");
        writeln!(text, "# HELP {name} {help}.\n# TYPE {name} {kind}")?;
        for (labels, mappings) in &self.0 {
            for mapping in mappings.read().values() {
                write!(text, "{name}{suffix}")?;
                for (index, (label, value)) in labels.iter().chain(&mapping.labels).enumerate() {
                    let before = if index == 0 { '{' } else { ',' };
                    let value = value
                        .replace('\\', "\\\\")
                        .replace('"', "\\\"")
                        .replace('\n', "\\n");
                    write!(text, "{before}{label}=\"{value}\"")?;
                }
                writeln!(text, "}} {}", of(&mapping.metrics))?;
            }
        }
        Ok(())
    }
}

impl Metrics {
    pub(crate) fn new() -> Self {
        Self {
            mappings: Mappings::default(),
        }
    }

    /// Returns all metrics as a page in the OpenMetrics text format.
    #[must_use]
    pub fn render(&self) -> String {
        let mut text = Self::render_all([(self, &[] as &[_])]);
        text.push_str("# EOF\n");
        text
    }

    /// Returns the metrics of several engines for a page that others write too: without the `# EOF` at its end. The
    /// labels given with an engine, such as its Region, come first with all of its metrics. Call it once for a page,
    /// since a metric may be described only once; its metrics begin with `aws_lambda_`.
    #[must_use]
    pub fn render_all<'a>(
        engines: impl IntoIterator<Item = (&'a Self, &'a [(&'a str, &'a str)])>,
    ) -> String {
        let engines = engines.into_iter().map(|(metrics, labels)| {
            let labels = labels.iter();
            let labels = labels.map(|&(name, value)| (name.to_owned(), value.to_owned()));
            (labels.collect(), metrics.mappings.clone())
        });
        Page(engines.collect()).render()
    }

    /// Returns the metrics of a mapping under its labels of now. It keeps them when these change.
    pub(crate) fn of(&self, mapping: &Mapping) -> MappingMetrics {
        let labels = [
            ("event_source_mapping", mapping.uuid.to_string()),
            ("event_source", mapping.source.name()),
            ("function", mapping.function.qualified_name()),
        ];
        let labels = labels.map(|(name, value)| (name.to_owned(), value)).into();
        let mut mappings = self.mappings.write();
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
        self.mappings.write().remove(&mapping);
    }
}

/// A number that several can count and show.
#[derive(Clone, Debug, Default)]
struct Number(Arc<AtomicU64>);

impl Number {
    fn add(&self, more: u64) {
        self.0.fetch_add(more, Ordering::Relaxed);
    }

    fn set(&self, value: u64) {
        self.0.store(value, Ordering::Relaxed);
    }

    fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// The counters of one mapping.
#[derive(Clone, Debug, Default)]
pub(crate) struct MappingMetrics {
    polled: Number,
    filtered_out: Number,
    passed_over: Number,
    invoked: Number,
    failed_invoke: Number,
    deleted: Number,
    polling_errors: Number,
    dropped: Number,
    on_failure_delivered: Number,
    delivery_failures: Number,
    concurrency: Number,
    iterator_age: Number,
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
    const fn counters(&self) -> [&Number; 10] {
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

    const fn gauges(&self) -> [&Number; 2] {
        [&self.concurrency, &self.iterator_age]
    }

    pub(crate) fn count(&self, decision: &Decision) {
        let add = |counter: &Number, events: usize| counter.add(events as u64);
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
        self.concurrency.set(concurrency as u64);
        self.iterator_age.set(iterator_age_ms.unwrap_or_default());
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
