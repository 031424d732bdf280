//! The requests of the Lambda API, spelled as on the wire (Lambda API reference,
//! `CreateEventSourceMapping` and `UpdateEventSourceMapping`). A member that is unknown is refused.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::structures::{
    AmazonManagedKafkaEventSourceConfig, DestinationConfig, DocumentDbEventSourceConfig,
    FilterCriteria, LoggingConfig, MetricsConfig, ProvisionedPollerConfig, ScalingConfig,
    SchemaRegistryConfig, SelfManagedEventSource, SelfManagedKafkaEventSourceConfig,
    SourceAccessConfiguration,
};

/// `CreateEventSourceMapping`, not yet validated: see [`Mapping::create`](super::Mapping::create).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct CreateEventSourceMapping {
    /// The source; absent for self-managed Kafka.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event_source_arn: Option<String>,
    /// A name, partial ARN or ARN, each with an optional version or alias.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub function_name: Option<String>,
    /// Whether to poll; default true.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
    /// Records per invocation at most; default 10 for SQS, else 100.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub batch_size: Option<i64>,
    /// Which records the function is to see.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filter_criteria: Option<FilterCriteria>,
    /// The key that encrypts the filters; empty for AWS's own.
    #[serde(rename = "KMSKeyArn", default, skip_serializing_if = "Option::is_none")]
    pub kms_key_arn: Option<String>,
    /// Metric groups to emit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metrics_config: Option<MetricsConfig>,
    /// The mapping's own log; Kafka in provisioned mode.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub logging_config: Option<LoggingConfig>,
    /// Limits concurrency; SQS.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scaling_config: Option<ScalingConfig>,
    /// How long to gather a batch, 0 to 300 s.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub maximum_batching_window_in_seconds: Option<i64>,
    /// Concurrent batches per shard, 1 to 10; Kinesis and DynamoDB.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parallelization_factor: Option<i64>,
    /// `TRIM_HORIZON`, `LATEST` or `AT_TIMESTAMP`; streams and Kafka.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub starting_position: Option<String>,
    /// Seconds since the Unix epoch, with `AT_TIMESTAMP`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub starting_position_timestamp: Option<f64>,
    /// Where discarded records go; streams and Kafka.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub destination_config: Option<DestinationConfig>,
    /// 60 to 604,800 s, or -1 for no limit; streams and Kafka.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub maximum_record_age_in_seconds: Option<i64>,
    /// Whether to split a failed batch in two; streams and Kafka.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bisect_batch_on_function_error: Option<bool>,
    /// 0 to 10,000, or -1 for no limit; streams and Kafka.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub maximum_retry_attempts: Option<i64>,
    /// Tags of the mapping.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tags: Option<BTreeMap<String, String>>,
    /// Aggregation window, 0 to 900 s; Kinesis and DynamoDB.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tumbling_window_in_seconds: Option<i64>,
    /// The one Kafka topic.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub topics: Option<Vec<String>>,
    /// The one Amazon MQ queue.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub queues: Option<Vec<String>>,
    /// How to reach and authenticate with a broker.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_access_configurations: Option<Vec<SourceAccessConfiguration>>,
    /// A Kafka cluster that has no ARN.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub self_managed_event_source: Option<SelfManagedEventSource>,
    /// `ReportBatchItemFailures`, or nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub function_response_types: Option<Vec<String>>,
    /// Consumer group and schema registry for Amazon MSK.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amazon_managed_kafka_event_source_config: Option<AmazonManagedKafkaEventSourceConfig>,
    /// Group, consumption mode and schema registry for self-managed Kafka.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub self_managed_kafka_event_source_config: Option<SelfManagedKafkaEventSourceConfig>,
    /// What to read of a DocumentDB cluster.
    #[serde(
        rename = "DocumentDBEventSourceConfig",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    pub document_db_event_source_config: Option<DocumentDbEventSourceConfig>,
    /// Dedicated pollers; SQS and Kafka.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provisioned_poller_config: Option<ProvisionedPollerConfig>,
}

/// `UpdateEventSourceMapping`: a member that is absent keeps its value. See
/// [`Mapping::update`](super::Mapping::update) for how things are removed.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct UpdateEventSourceMapping {
    /// The mapping; travels in the path, so a body rarely has it.
    #[serde(rename = "UUID", default, skip_serializing_if = "Option::is_none")]
    pub uuid: Option<String>,
    /// A name, partial ARN or ARN, each with an optional version or alias.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub function_name: Option<String>,
    /// Whether to poll; default true.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
    /// Records per invocation at most; default 10 for SQS, else 100.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub batch_size: Option<i64>,
    /// Which records the function is to see.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filter_criteria: Option<FilterCriteria>,
    /// The key that encrypts the filters; empty for AWS's own.
    #[serde(rename = "KMSKeyArn", default, skip_serializing_if = "Option::is_none")]
    pub kms_key_arn: Option<String>,
    /// Metric groups to emit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metrics_config: Option<MetricsConfig>,
    /// The mapping's own log; Kafka in provisioned mode.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub logging_config: Option<LoggingConfig>,
    /// Limits concurrency; SQS.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scaling_config: Option<ScalingConfig>,
    /// How long to gather a batch, 0 to 300 s.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub maximum_batching_window_in_seconds: Option<i64>,
    /// Concurrent batches per shard, 1 to 10; Kinesis and DynamoDB.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parallelization_factor: Option<i64>,
    /// Where discarded records go; streams and Kafka.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub destination_config: Option<DestinationConfig>,
    /// 60 to 604,800 s, or -1 for no limit; streams and Kafka.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub maximum_record_age_in_seconds: Option<i64>,
    /// Whether to split a failed batch in two; streams and Kafka.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bisect_batch_on_function_error: Option<bool>,
    /// 0 to 10,000, or -1 for no limit; streams and Kafka.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub maximum_retry_attempts: Option<i64>,
    /// Aggregation window, 0 to 900 s; Kinesis and DynamoDB.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tumbling_window_in_seconds: Option<i64>,
    /// How to reach and authenticate with a broker.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_access_configurations: Option<Vec<SourceAccessConfiguration>>,
    /// `ReportBatchItemFailures`, or nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub function_response_types: Option<Vec<String>>,
    /// Consumer group and schema registry for Amazon MSK.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amazon_managed_kafka_event_source_config: Option<AmazonManagedKafkaEventSourceConfig>,
    /// Group, consumption mode and schema registry for self-managed Kafka.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub self_managed_kafka_event_source_config: Option<SelfManagedKafkaEventSourceConfig>,
    /// What to read of a DocumentDB cluster.
    #[serde(
        rename = "DocumentDBEventSourceConfig",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    pub document_db_event_source_config: Option<DocumentDbEventSourceConfig>,
    /// Dedicated pollers; SQS and Kafka.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provisioned_poller_config: Option<ProvisionedPollerConfig>,
}

impl CreateEventSourceMapping {
    /// Leaves out an on-failure destination that is empty: the API shows one where there is none, and does
    /// not take it back.
    #[must_use]
    pub fn without_empty_destination(mut self) -> Self {
        let empty = |config: &DestinationConfig| {
            let failure = config.on_failure.as_ref();
            config.on_success.is_none() && failure.is_none_or(|event| event.destination.is_none())
        };
        self.destination_config = self.destination_config.filter(|config| !empty(config));
        self
    }

    /// Returns the schema registry of a Kafka mapping of either kind.
    pub(super) fn schema_registry(&self) -> Option<&SchemaRegistryConfig> {
        let msk = self.amazon_managed_kafka_event_source_config.as_ref();
        let own = self.self_managed_kafka_event_source_config.as_ref();
        let registry = msk.and_then(|config| config.schema_registry_config.as_ref());
        registry.or_else(|| own.and_then(|config| config.schema_registry_config.as_ref()))
    }

    /// Returns the on-failure destination; an empty one is none.
    pub(super) fn on_failure(&self) -> Option<&str> {
        let event = self.destination_config.as_ref()?.on_failure.as_ref()?;
        event
            .destination
            .as_deref()
            .filter(|destination| !destination.is_empty())
    }
}
