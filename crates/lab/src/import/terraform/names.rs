//! What the Terraform provider calls the members of a request (registry of Terraform, `aws_lambda_event_source_mapping`).

use crate::import::node::{Member, Node, Value};

/// The name in Terraform, and in the API.
#[rustfmt::skip]
const NAMES: [(&str, &str); 47] = [
    ("access_config", "AccessConfigs"),
    ("amazon_managed_kafka_event_source_config", "AmazonManagedKafkaEventSourceConfig"),
    ("attribute", "Attribute"),
    ("batch_size", "BatchSize"),
    ("bisect_batch_on_function_error", "BisectBatchOnFunctionError"),
    ("collection_name", "CollectionName"),
    ("consumer_group_id", "ConsumerGroupId"),
    ("consumption_mode", "ConsumptionMode"),
    ("database_name", "DatabaseName"),
    ("destination_arn", "Destination"),
    ("destination_config", "DestinationConfig"),
    ("document_db_event_source_config", "DocumentDBEventSourceConfig"),
    ("enabled", "Enabled"),
    ("endpoints", "Endpoints"),
    ("event_record_format", "EventRecordFormat"),
    ("event_source_arn", "EventSourceArn"),
    ("filter", "Filters"),
    ("filter_criteria", "FilterCriteria"),
    ("full_document", "FullDocument"),
    ("function_name", "FunctionName"),
    ("function_response_types", "FunctionResponseTypes"),
    ("kms_key_arn", "KMSKeyArn"),
    ("logging_config", "LoggingConfig"),
    ("maximum_batching_window_in_seconds", "MaximumBatchingWindowInSeconds"),
    ("maximum_concurrency", "MaximumConcurrency"),
    ("maximum_pollers", "MaximumPollers"),
    ("maximum_record_age_in_seconds", "MaximumRecordAgeInSeconds"),
    ("maximum_retry_attempts", "MaximumRetryAttempts"),
    ("metrics", "Metrics"),
    ("metrics_config", "MetricsConfig"),
    ("minimum_pollers", "MinimumPollers"),
    ("on_failure", "OnFailure"),
    ("parallelization_factor", "ParallelizationFactor"),
    ("pattern", "Pattern"),
    ("poller_group_name", "PollerGroupName"),
    ("provisioned_poller_config", "ProvisionedPollerConfig"),
    ("queues", "Queues"),
    ("scaling_config", "ScalingConfig"),
    ("schema_registry_config", "SchemaRegistryConfig"),
    ("schema_registry_uri", "SchemaRegistryURI"),
    ("schema_validation_config", "SchemaValidationConfigs"),
    ("self_managed_event_source", "SelfManagedEventSource"),
    ("self_managed_kafka_event_source_config", "SelfManagedKafkaEventSourceConfig"),
    ("source_access_configuration", "SourceAccessConfigurations"),
    ("starting_position", "StartingPosition"),
    ("starting_position_timestamp", "StartingPositionTimestamp"),
    ("system_log_level", "SystemLogLevel"),
];

/// The names of NAMES that are as short.
const SHORT: [(&str, &str); 5] = [
    ("tags", "Tags"),
    ("topics", "Topics"),
    ("tumbling_window_in_seconds", "TumblingWindowInSeconds"),
    ("type", "Type"),
    ("uri", "URI"),
];

/// What AWS assigns to a mapping, or Terraform to a resource, and is no setting.
pub(super) const ASSIGNED: [&str; 11] = [
    "arn",
    "function_arn",
    "id",
    "last_modified",
    "last_processing_result",
    "region",
    "state",
    "state_transition_reason",
    "tags_all",
    "timeouts",
    "uuid",
];

/// Returns the name in the API.
pub(super) fn name(terraform: &str) -> Option<&'static str> {
    let mut names = NAMES.iter().chain(&SHORT);
    names
        .find(|(name, _)| *name == terraform)
        .map(|(_, api)| *api)
}

/// Tells whether the API has a list of them; Terraform has a list of every block.
fn is_list(api: &str) -> bool {
    const LISTS: [&str; 4] = [
        "AccessConfigs",
        "Filters",
        "SchemaValidationConfigs",
        "SourceAccessConfigurations",
    ];
    LISTS.contains(&api)
}

/// Gives the members of a value the names of the API. A block of which the API has one is no list any more.
pub(super) fn translate(api: &str, node: &Node) -> Node {
    let value = match &node.value {
        Value::List(items)
            if !is_list(api)
                && matches!(items.as_slice(), [item] if matches!(item.value, Value::Map(_))) =>
        {
            return translate(api, &items[0]);
        }
        Value::List(items) => Value::List(items.iter().map(|item| translate(api, item)).collect()),
        // Tags and servers have names of their own.
        Value::Map(_) if matches!(api, "Tags" | "Endpoints") => node.value.clone(),
        Value::Map(members) => Value::Map(
            members
                .iter()
                .filter(|member| !is_unset(&member.node))
                .map(|member| {
                    let known = name(&member.key);
                    Member {
                        key: known.map_or_else(|| member.key.clone(), str::to_owned),
                        at: member.at,
                        node: translate(known.unwrap_or_default(), &member.node),
                    }
                })
                .collect(),
        ),
        value => value.clone(),
    };
    Node::new(node.at, value)
}

/// Tells whether a value says nothing.
pub(super) fn is_unset(node: &Node) -> bool {
    match &node.value {
        Value::Null => true,
        Value::Text(text) => text.is_empty(),
        Value::List(items) => items.is_empty(),
        Value::Map(members) => members.is_empty(),
        _ => false,
    }
}
