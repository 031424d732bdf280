//! The nested structures of the Lambda API, spelled as on the wire (Lambda API reference, data
//! types).
//!
//! Members with enumerated values stay text here, so that a wrong one is refused in AWS's own
//! words.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// `FilterCriteria`: patterns of which a record must match at least one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct FilterCriteria {
    /// At most five patterns, ten with a raised quota.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filters: Option<Vec<Filter>>,
}

/// One pattern of [`FilterCriteria`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Filter {
    /// A JSON object as text, up to 4,096 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pattern: Option<String>,
}

/// `ScalingConfig`: limits how many functions an SQS mapping runs at a time.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct ScalingConfig {
    /// 2 to 1,000; absent for no limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub maximum_concurrency: Option<i64>,
}

/// `ProvisionedPollerConfig`: dedicated pollers for an SQS or Kafka mapping.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct ProvisionedPollerConfig {
    /// 2 to 200 (default 2) for SQS, 1 to 200 (default 1) for Kafka.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub minimum_pollers: Option<i64>,
    /// Up to 10,000 for SQS, up to 2,000 for Kafka; default 200.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub maximum_pollers: Option<i64>,
    /// Kafka only: mappings of one group share their event poller units.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub poller_group_name: Option<String>,
}

/// `DestinationConfig`: where a record goes that could not be processed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct DestinationConfig {
    /// Not for event source mappings; AWS refuses it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_success: Option<OnEvent>,
    /// The destination for discarded batches.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_failure: Option<OnEvent>,
}

/// `OnSuccess` or `OnFailure`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct OnEvent {
    /// ARN of an SQS queue, SNS topic or S3 bucket, or `kafka://topic`; empty to remove it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub destination: Option<String>,
}

/// `SourceAccessConfiguration`: how to reach and authenticate with a broker.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct SourceAccessConfiguration {
    /// For example `BASIC_AUTH`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub r#type: Option<String>,
    /// For example the ARN of a secret; absent for `IAM_AUTH` and `IAM_OAUTHBEARER_AUTH`.
    #[serde(rename = "URI", default, skip_serializing_if = "Option::is_none")]
    pub uri: Option<String>,
}

/// `SelfManagedEventSource`: a Kafka cluster that has no ARN.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct SelfManagedEventSource {
    /// The one key is `KAFKA_BOOTSTRAP_SERVERS`, its value 1 to 10 `host:port`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoints: Option<BTreeMap<String, Vec<String>>>,
}

/// `AmazonManagedKafkaEventSourceConfig`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct AmazonManagedKafkaEventSourceConfig {
    /// The consumer group to join; the mapping's UUID if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub consumer_group_id: Option<String>,
    /// Where to look up schemas.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schema_registry_config: Option<SchemaRegistryConfig>,
}

/// `SelfManagedKafkaEventSourceConfig`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct SelfManagedKafkaEventSourceConfig {
    /// The consumer group, or the share group, to join; the mapping's UUID if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub consumer_group_id: Option<String>,
    /// `Stream` for a consumer group, the default, or `Queue` for a share group.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub consumption_mode: Option<String>,
    /// Where to look up schemas.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schema_registry_config: Option<SchemaRegistryConfig>,
}

/// `KafkaSchemaRegistryConfig`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct SchemaRegistryConfig {
    /// The ARN of a Glue registry or the URL of a Confluent one.
    #[serde(
        rename = "SchemaRegistryURI",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    pub schema_registry_uri: Option<String>,
    /// `JSON` or `SOURCE`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event_record_format: Option<String>,
    /// How to authenticate with a Confluent registry.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub access_configs: Option<Vec<SchemaRegistryAccessConfig>>,
    /// What to validate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schema_validation_configs: Option<Vec<SchemaValidationConfig>>,
}

/// `KafkaSchemaRegistryAccessConfig`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct SchemaRegistryAccessConfig {
    /// `BASIC_AUTH`, `CLIENT_CERTIFICATE_TLS_AUTH`, `SERVER_ROOT_CA_CERTIFICATE` or `OAUTHBEARER_AUTH`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub r#type: Option<String>,
    /// The ARN of the secret.
    #[serde(rename = "URI", default, skip_serializing_if = "Option::is_none")]
    pub uri: Option<String>,
}

/// `KafkaSchemaValidationConfig`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct SchemaValidationConfig {
    /// `KEY` or `VALUE`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attribute: Option<String>,
}

/// `DocumentDBEventSourceConfig`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct DocumentDbEventSourceConfig {
    /// The database whose changes are read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub database_name: Option<String>,
    /// One collection of it; all of them if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub collection_name: Option<String>,
    /// `Default` or `UpdateLookup`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub full_document: Option<String>,
}

/// `MetricsConfig`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct MetricsConfig {
    /// Up to three of `EventCount`, `ErrorCount`, `KafkaMetrics`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metrics: Option<Vec<String>>,
}

/// `LoggingConfig`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct LoggingConfig {
    /// `DEBUG`, `INFO` or `WARN`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub system_log_level: Option<String>,
}

/// `FilterCriteriaError`: why encrypted filters cannot be shown.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct FilterCriteriaError {
    /// The name of the key service's exception.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error_code: Option<String>,
    /// Its text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}
