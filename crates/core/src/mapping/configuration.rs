//! The answer of the Lambda API (`EventSourceMappingConfiguration`): what is not set is absent, not
//! null.

use serde::{Deserialize, Serialize};

use super::model::{Mapping, Source};
use super::request::CreateEventSourceMapping;
use super::structures::{
    AmazonManagedKafkaEventSourceConfig, DestinationConfig, DocumentDbEventSourceConfig,
    FilterCriteria, FilterCriteriaError, LoggingConfig, MetricsConfig, OnEvent,
    ProvisionedPollerConfig, ScalingConfig, SelfManagedEventSource,
    SelfManagedKafkaEventSourceConfig, SourceAccessConfiguration,
};
use crate::lifecycle::{LastProcessingResult, State};
use crate::time::Timestamp;

/// `EventSourceMappingConfiguration` (Lambda API reference). Which members are present for which
/// source is as recorded from the service: defaults are spelled out for SQS and the streams, the
/// 500 ms window of Kafka, Amazon MQ and DocumentDB has no whole number of seconds and stays
/// absent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct EventSourceMappingConfiguration {
    /// The mapping's id.
    #[serde(rename = "UUID")]
    pub uuid: String,
    /// The source; absent for self-managed Kafka.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event_source_arn: Option<String>,
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
    /// Why encrypted filters cannot be shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filter_criteria_error: Option<FilterCriteriaError>,
    /// The mapping's own ARN.
    pub event_source_mapping_arn: String,
    /// The function, with exactly the qualifier the request gave.
    pub function_arn: String,
    /// Seconds since the Unix epoch, with a fraction.
    pub last_modified: f64,
    /// What the last batch came to; never present for SQS (recorded).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_processing_result: Option<String>,
    /// The state.
    pub state: State,
    /// Why the state is what it is.
    pub state_transition_reason: String,
}

impl Mapping {
    /// Returns the mapping as the API shows it.
    ///
    /// The key of encrypted filters is shown only where there are filters, and a stream without an on-failure
    /// destination has an empty one (both recorded). `last_processing_result` is left out for SQS (recorded), and is "No records processed" for
    /// other sources when `None`.
    #[must_use]
    pub fn configuration(
        &self,
        region: &str,
        account: &str,
        state: State,
        reason: &str,
        last_processing_result: Option<LastProcessingResult>,
    ) -> EventSourceMappingConfiguration {
        let CreateEventSourceMapping {
            event_source_arn,
            batch_size,
            filter_criteria,
            kms_key_arn,
            metrics_config,
            logging_config,
            scaling_config,
            maximum_batching_window_in_seconds,
            parallelization_factor,
            starting_position,
            starting_position_timestamp,
            destination_config,
            maximum_record_age_in_seconds,
            bisect_batch_on_function_error,
            maximum_retry_attempts,
            tumbling_window_in_seconds,
            topics,
            queues,
            source_access_configurations,
            self_managed_event_source,
            function_response_types,
            amazon_managed_kafka_event_source_config,
            self_managed_kafka_event_source_config,
            document_db_event_source_config,
            provisioned_poller_config,
            function_name: _,
            enabled: _,
            tags: _,
        } = self.to_request();
        // A stream without a destination is shown with an empty one (recorded).
        let shows_none = matches!(self.source, Source::Kinesis(_) | Source::DynamoDb(_));
        let no_destination = || DestinationConfig {
            on_success: None,
            on_failure: Some(OnEvent::default()),
        };
        EventSourceMappingConfiguration {
            uuid: self.uuid.to_string(),
            event_source_arn,
            batch_size,
            filter_criteria,
            // The key is shown with what it encrypts (recorded).
            kms_key_arn: kms_key_arn.filter(|_| self.filters.is_some()),
            metrics_config,
            logging_config,
            scaling_config,
            maximum_batching_window_in_seconds,
            parallelization_factor,
            starting_position,
            starting_position_timestamp,
            destination_config: destination_config.or_else(|| shows_none.then(no_destination)),
            maximum_record_age_in_seconds,
            bisect_batch_on_function_error,
            maximum_retry_attempts,
            tumbling_window_in_seconds,
            topics,
            queues,
            source_access_configurations,
            self_managed_event_source,
            function_response_types,
            amazon_managed_kafka_event_source_config,
            self_managed_kafka_event_source_config,
            document_db_event_source_config,
            provisioned_poller_config,
            filter_criteria_error: None,
            event_source_mapping_arn: self.arn(region, account),
            function_arn: self.function.arn(region, account),
            last_modified: epoch_seconds(self.last_modified),
            last_processing_result: (!self.source.kind().is_sqs()).then(|| {
                last_processing_result
                    .unwrap_or_default()
                    .as_str()
                    .to_owned()
            }),
            state,
            state_transition_reason: reason.to_owned(),
        }
    }
}

impl From<EventSourceMappingConfiguration> for CreateEventSourceMapping {
    /// Makes the request that creates the same mapping again, so that the output of
    /// `get-event-source-mapping` can serve as configuration. A mapping that was disabled or on its
    /// way there stays disabled.
    fn from(configuration: EventSourceMappingConfiguration) -> Self {
        let EventSourceMappingConfiguration {
            event_source_arn,
            batch_size,
            filter_criteria,
            kms_key_arn,
            metrics_config,
            logging_config,
            scaling_config,
            maximum_batching_window_in_seconds,
            parallelization_factor,
            starting_position,
            starting_position_timestamp,
            destination_config,
            maximum_record_age_in_seconds,
            bisect_batch_on_function_error,
            maximum_retry_attempts,
            tumbling_window_in_seconds,
            topics,
            queues,
            source_access_configurations,
            self_managed_event_source,
            function_response_types,
            amazon_managed_kafka_event_source_config,
            self_managed_kafka_event_source_config,
            document_db_event_source_config,
            provisioned_poller_config,
            function_arn,
            state,
            ..
        } = configuration;
        let disabled = matches!(state, State::Disabled | State::Disabling);
        Self {
            event_source_arn,
            batch_size,
            filter_criteria,
            kms_key_arn,
            metrics_config,
            logging_config,
            scaling_config,
            maximum_batching_window_in_seconds,
            parallelization_factor,
            starting_position,
            starting_position_timestamp,
            destination_config,
            maximum_record_age_in_seconds,
            bisect_batch_on_function_error,
            maximum_retry_attempts,
            tumbling_window_in_seconds,
            topics,
            queues,
            source_access_configurations,
            self_managed_event_source,
            function_response_types,
            amazon_managed_kafka_event_source_config,
            self_managed_kafka_event_source_config,
            document_db_event_source_config,
            provisioned_poller_config,
            function_name: Some(function_arn),
            enabled: disabled.then_some(false),
            tags: None,
        }
        .without_empty_destination()
    }
}

/// Returns the time as the API writes it: seconds since the Unix epoch, with a fraction.
#[expect(clippy::cast_precision_loss, reason = "exact for any date of this era")]
pub(super) fn epoch_seconds(timestamp: Timestamp) -> f64 {
    timestamp.0 as f64 / 1000.0
}
