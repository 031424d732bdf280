//! What a topic's machine is told of its mapping.

use crate::backoff::Backoff;
use crate::batching::Limits;
use crate::event::kafka::KafkaEncoder;
use crate::mapping::{
    self, KafkaCluster, KafkaDestination, KafkaMapping, KafkaMode, Lanes, Mapping, RetryPolicy,
    Source,
};
use crate::stream::config::{DEFAULT_WINDOW, READ_AHEAD_BYTES, WindowBegins, version};
use crate::stream::{SHARDS_AT_ONCE, StreamConfig, StreamEncoder, Surroundings};

/// Settings of one Kafka mapping.
#[derive(Clone, Debug)]
pub struct TopicConfig {
    /// The topic.
    pub topic: String,
    /// How records are batched, invoked, retried and given up.
    pub batches: StreamConfig,
    /// How records become events.
    pub encoder: KafkaEncoder,
    /// Who polls.
    pub pollers: Pollers,
}

/// Who polls a topic (Lambda developer guide, "Apache Kafka event poller scaling modes").
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Pollers {
    /// As many as the offset lag asks for, up to one for each partition.
    OnDemand,
    /// Between a minimum and a maximum, each with up to five invocations at a time.
    Provisioned(mapping::Pollers),
}

impl TopicConfig {
    /// Returns the settings of `mapping`, whose cluster has these `host:port`, separated by commas; `None` if its source is
    /// no topic.
    #[must_use]
    pub fn new(mapping: &Mapping, bootstrap_servers: &str, around: &Surroundings) -> Option<Self> {
        let Source::Kafka(kafka) = &mapping.source else {
            return None;
        };
        let topic = &kafka.topic;
        let (arn, encoder) = match &kafka.cluster {
            KafkaCluster::Msk { arn } => {
                let encoder = KafkaEncoder::msk(arn.as_str(), bootstrap_servers, topic);
                (arn.as_str().to_owned(), encoder)
            }
            KafkaCluster::SelfManaged { bootstrap_servers } => {
                let servers = bootstrap_servers.join(",");
                (String::new(), KafkaEncoder::self_managed(&servers, topic))
            }
        };
        let rules = Rules::of(kafka);
        let filters = mapping.filters.as_ref();
        let batches = StreamConfig {
            mapping: mapping.uuid,
            function_arn: mapping.function.arn(&around.region, &around.account_id),
            executed_version: version(mapping.function.qualifier()),
            stream_arn: arn,
            start: kafka.start,
            limits: Limits {
                count: kafka.batch_size as usize,
                window: kafka.window.unwrap_or(DEFAULT_WINDOW),
            },
            window_begins: match rules.pollers {
                Pollers::OnDemand => WindowBegins::AfterInvocation,
                Pollers::Provisioned(_) => WindowBegins::AfterBatch,
            },
            lanes: Lanes::Parallel(1),
            retry: rules.retry,
            backoff: Backoff::STREAM,
            report_batch_item_failures: rules.report_batch_item_failures,
            on_failure: rules.on_failure,
            pacing: around.pacing,
            filters: filters.map(|filters| filters.compiled().clone()),
            encoder: StreamEncoder::Kafka(encoder.clone()),
            deaggregate: false,
            read_ahead: READ_AHEAD_BYTES,
            shards_at_once: SHARDS_AT_ONCE,
            assigned: true,
            halts_when_trimmed: false,
            detail: around.detail,
        };
        Some(Self {
            topic: topic.clone(),
            batches,
            encoder,
            pollers: rules.pollers,
        })
    }
}

/// What differs between the modes of polling.
struct Rules {
    pollers: Pollers,
    retry: RetryPolicy,
    report_batch_item_failures: bool,
    on_failure: Option<KafkaDestination>,
}

impl Rules {
    fn of(kafka: &KafkaMapping) -> Self {
        let maximum_retries = kafka.maximum_retries();
        match &kafka.mode {
            KafkaMode::OnDemand { on_failure } => Self {
                pollers: Pollers::OnDemand,
                retry: RetryPolicy {
                    maximum_retries,
                    ..RetryPolicy::default()
                },
                report_batch_item_failures: false,
                on_failure: on_failure.clone().map(KafkaDestination::Aws),
            },
            KafkaMode::Provisioned(provisioned) => Self {
                pollers: Pollers::Provisioned(provisioned.pollers),
                retry: RetryPolicy {
                    maximum_retries,
                    ..provisioned.retry
                },
                report_batch_item_failures: provisioned.report_batch_item_failures,
                on_failure: provisioned.on_failure.clone(),
            },
        }
    }
}
