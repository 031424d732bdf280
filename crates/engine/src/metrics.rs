//! Metrics under the names that the service gives its own (Lambda developer guide, "Using CloudWatch
//! metrics with Lambda", event source mapping metrics).

use std::collections::BTreeMap;
use std::fmt::{self, Write as _};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use lambda_esm_core::mapping::{Mapping, Source};
use uuid::Uuid;

use crate::mapping_metrics::MappingMetrics;

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
    kind: Kind,
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

/// Where records come from, as far as it decides which metrics there are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Kind {
    #[default]
    Queue,
    PushQueue,
    Stream,
    ChangeStream,
    Topic,
    ShareGroup,
}

impl Kind {
    const fn of(source: &Source) -> Self {
        match source {
            Source::Kinesis(_) | Source::DynamoDb(_) => Self::Stream,
            Source::DocumentDb(_) => Self::ChangeStream,
            Source::Mq(_) => Self::PushQueue,
            Source::Kafka(kafka) if kafka.is_queue() => Self::ShareGroup,
            Source::Kafka(_) => Self::Topic,
            _ => Self::Queue,
        }
    }
}

const ALL: &[Kind] = &[
    Kind::Queue,
    Kind::PushQueue,
    Kind::Stream,
    Kind::ChangeStream,
    Kind::Topic,
    Kind::ShareGroup,
];
const QUEUES: &[Kind] = &[Kind::Queue, Kind::PushQueue];
const STREAMS: &[Kind] = &[Kind::Stream, Kind::ChangeStream];
/// Sources of which records are given up that the function cannot process, or cannot be given.
const GIVEN_UP: &[Kind] = &[
    Kind::PushQueue,
    Kind::Stream,
    Kind::ChangeStream,
    Kind::Topic,
    Kind::ShareGroup,
];
/// Sources that have on-failure destinations.
const WITH_DESTINATION: &[Kind] = &[Kind::Stream, Kind::Topic, Kind::ShareGroup];
/// Sources whose records may be larger than an event.
const UNBOUNDED: &[Kind] = &[Kind::PushQueue, Kind::ChangeStream];
const TOPICS: &[Kind] = &[Kind::Topic];
const SHARE_GROUPS: &[Kind] = &[Kind::ShareGroup];
const KAFKA: &[Kind] = &[Kind::Topic, Kind::ShareGroup];

/// A metric of mappings.
struct Metric<V> {
    name: &'static str,
    help: &'static str,
    /// Which mappings have it.
    of: &'static [Kind],
    value: fn(&MappingMetrics) -> V,
}

/// The counters.
const COUNTERS: [Metric<u64>; 17] = [
    Metric {
        name: "PolledEventCount",
        help: "Records read from the source",
        of: ALL,
        value: |metrics| metrics.polled.get(),
    },
    Metric {
        name: "FilteredOutEventCount",
        help: "Records that matched no filter",
        of: ALL,
        value: |metrics| metrics.filtered_out.get(),
    },
    Metric {
        name: "PassedOverEventCount",
        help: "Records left out because they arrived before the starting position",
        of: STREAMS,
        value: |metrics| metrics.passed_over.get(),
    },
    Metric {
        name: "InvokedEventCount",
        help: "Records sent to the function",
        of: ALL,
        value: |metrics| metrics.invoked.get(),
    },
    Metric {
        name: "FailedInvokeEventCount",
        help: "Records whose invocation failed",
        of: ALL,
        value: |metrics| metrics.failed_invoke.get(),
    },
    Metric {
        name: "DeletedEventCount",
        help: "Messages deleted from the queue, of a broker by acknowledging them",
        of: QUEUES,
        value: |metrics| metrics.deleted.get(),
    },
    Metric {
        name: "CommittedEventCount",
        help: "By how much the offsets committed to the consumer group have grown",
        of: TOPICS,
        value: |metrics| metrics.committed.get(),
    },
    Metric {
        name: "AcknowledgedEventCount",
        help: "Records of a share group that are done with: accepted, or given up and rejected",
        of: SHARE_GROUPS,
        value: |metrics| metrics.acknowledged.get(),
    },
    Metric {
        name: "PollingErrorCount",
        help: "Reads of the source that failed",
        of: ALL,
        value: |metrics| metrics.polling_errors.get(),
    },
    Metric {
        name: "InvokeErrorCount",
        help: "Batches whose invocation failed, each try for itself",
        of: KAFKA,
        value: |metrics| metrics.invoke_errors.get(),
    },
    Metric {
        name: "SchemaRegistryErrorCount",
        help: "Records that could not be decoded by a schema, and tries that failed to ask the registry for one",
        of: KAFKA,
        value: |metrics| metrics.schema_registry_errors.get(),
    },
    Metric {
        name: "CommitErrorCount",
        help: "Commits to the consumer group that failed",
        of: TOPICS,
        value: |metrics| metrics.commit_errors.get(),
    },
    Metric {
        name: "DroppedEventCount",
        help: "Records given up without an on-failure destination being told",
        of: GIVEN_UP,
        value: |metrics| metrics.dropped.get(),
    },
    Metric {
        name: "OversizedRecordCount",
        help: "Records given up because the event of one alone is larger than 6 MB",
        of: UNBOUNDED,
        value: |metrics| metrics.oversized.get(),
    },
    Metric {
        name: "OnFailureDestinationDeliveredEventCount",
        help: "Records given up of which the on-failure destination was told",
        of: WITH_DESTINATION,
        value: |metrics| metrics.on_failure_delivered.get(),
    },
    Metric {
        name: "OnFailureDestinationDeliveryErrorCount",
        help: "Tries to tell the on-failure destination that failed",
        of: KAFKA,
        value: |metrics| metrics.delivery_errors.get(),
    },
    Metric {
        name: "DestinationDeliveryFailures",
        help: "Deliveries to the on-failure destination that failed for good",
        of: WITH_DESTINATION,
        value: |metrics| metrics.delivery_failures.get(),
    },
];

/// The gauges; one without a value is not known now.
const GAUGES: [Metric<Option<u64>>; 5] = [
    Metric {
        name: "ConcurrencyLimit",
        help: "Concurrent batches that the mapping allows itself",
        of: ALL,
        value: |metrics| Some(metrics.concurrency.get()),
    },
    Metric {
        name: "IteratorAge",
        help: "Milliseconds between the last record of a shard's latest batch and its invocation, of the shard where \
               that is most; 0 while no shard has records in hand",
        of: STREAMS,
        value: |metrics| Some(metrics.iterator_age.get()),
    },
    Metric {
        name: "OffsetLag",
        help: "Records of the topic that are not committed, in the partitions that this process reads; of a share group, \
               those that it has not done with, in all partitions",
        of: KAFKA,
        value: |metrics| metrics.sum_offset_lag.get(),
    },
    Metric {
        name: "SumOffsetLag",
        help: "The same: the sum over those partitions",
        of: KAFKA,
        value: |metrics| metrics.sum_offset_lag.get(),
    },
    Metric {
        name: "MaxOffsetLag",
        help: "The same: those of the partition where that is most",
        of: KAFKA,
        value: |metrics| metrics.max_offset_lag.get(),
    },
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
        for counter in &COUNTERS {
            self.family(text, counter, "counter", "_total", Some)?;
        }
        for gauge in &GAUGES {
            self.family(text, gauge, "gauge", "", std::convert::identity)?;
        }
        Ok(())
    }

    /// Writes one metric of the mappings that have it: its name, meaning, type, and the suffix of its samples.
    fn family<V>(
        &self,
        text: &mut String,
        metric: &Metric<V>,
        kind: &str,
        suffix: &str,
        known: fn(V) -> Option<u64>,
    ) -> fmt::Result {
        let Metric { name, help, .. } = metric;
        let name = format!("aws_lambda_{name}");
        writeln!(text, "# HELP {name} {help}.\n# TYPE {name} {kind}")?;
        for (labels, mappings) in &self.0 {
            for mapping in mappings.read().values() {
                let has_it = metric.of.contains(&mapping.kind);
                let Some(value) = known((metric.value)(&mapping.metrics)).filter(|_| has_it) else {
                    continue;
                };
                write!(text, "{name}{suffix}")?;
                for (index, (label, value)) in labels.iter().chain(&mapping.labels).enumerate() {
                    let before = if index == 0 { '{' } else { ',' };
                    let value = value
                        .replace('\\', "\\\\")
                        .replace('"', "\\\"")
                        .replace('\n', "\\n");
                    write!(text, "{before}{label}=\"{value}\"")?;
                }
                writeln!(text, "}} {value}")?;
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
            kind: Kind::of(&mapping.source),
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
