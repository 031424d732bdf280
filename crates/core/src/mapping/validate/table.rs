//! Which parameter is for which source (Lambda developer guide, parameter tables of each source).
//!
//! The order of the rows is the order in which AWS's checks win, as far as recorded: batch size, starting
//! position, batch size against window, then the rest. Default values of a parameter that is forbidden are
//! refused like any other value, as AWS does; empty structures ask for nothing and pass.

use super::row::{Presence, Row, Rule, Subject};
use super::values;
use crate::mapping::error::ApiError;
use crate::mapping::request::CreateEventSourceMapping as Request;

const R: Rule = Rule::Required;
const O: Rule = Rule::Optional;
const P: Rule = Rule::Provisioned;
const F: Rule = Rule::Forbidden;

/// Checks a request against every row.
///
/// # Errors
/// That of the first row it breaks.
pub(in crate::mapping) fn check(subject: Subject<'_>) -> Result<(), ApiError> {
    ROWS.iter().try_for_each(|row| row.check(subject))
}

#[rustfmt::skip]
const ROWS: [Row; 29] = [
    row("FunctionName", "functionName",                              [R, R, R, R, R, R, R, R], |r| Presence::of(r.function_name.as_ref()), values::any),
    row("EventSourceArn", "eventSourceArn",                          [R, R, R, R, R, F, R, R], |r| Presence::of(r.event_source_arn.as_ref()), values::any),
    row("SelfManagedEventSource", "selfManagedEventSource",          [F, F, F, F, F, R, F, F], |r| Presence::of(r.self_managed_event_source.as_ref()), values::bootstrap_servers),
    row("Enabled", "enabled",                                        [O, O, O, O, O, O, O, O], |r| Presence::of(r.enabled.as_ref()), values::any),
    row("BatchSize", "batchSize",                                    [O, O, O, O, O, O, O, O], |r| Presence::of(r.batch_size.as_ref()), values::batch_size),
    row("StartingPosition", "startingPosition",                      [F, F, R, R, R, O, F, R], |r| Presence::of(r.starting_position.as_ref()), values::starting_position),
    row("StartingPositionTimestamp", "startingPositionTimestamp",    [F, F, O, F, O, O, F, O], |r| Presence::of(r.starting_position_timestamp.as_ref()), values::starting_timestamp),
    row("MaximumBatchingWindowInSeconds", "maximumBatchingWindowInSeconds", [O, O, O, O, O, O, O, O], |r| Presence::of(r.maximum_batching_window_in_seconds.as_ref()), values::window),
    row("ParallelizationFactor", "parallelizationFactor",            [F, F, O, O, F, F, F, F], |r| Presence::of(r.parallelization_factor.as_ref()), values::any),
    row("TumblingWindowInSeconds", "tumblingWindowInSeconds",        [F, F, O, O, F, F, F, F], |r| Presence::of(r.tumbling_window_in_seconds.as_ref()), values::tumbling_window),
    row("BisectBatchOnFunctionError", "bisectBatchOnFunctionError",  [F, F, O, O, P, P, F, F], |r| Presence::beside(r.bisect_batch_on_function_error.as_ref(), &false), values::any),
    row("MaximumRetryAttempts", "maximumRetryAttempts",              [F, F, O, O, P, P, F, F], |r| Presence::beside(r.maximum_retry_attempts.as_ref(), &-1), values::any),
    row("MaximumRecordAgeInSeconds", "maximumRecordAgeInSeconds",    [F, F, O, O, P, P, F, F], |r| Presence::beside(r.maximum_record_age_in_seconds.as_ref(), &-1), values::record_age),
    row("DestinationConfig", "destinationConfig",                    [F, F, O, O, O, O, F, F], on_failure, values::on_failure),
    row("FunctionResponseTypes", "functionResponseTypes",            [O, O, O, O, P, P, F, F], |r| Presence::unless(r.function_response_types.as_ref(), Vec::is_empty), values::any),
    row("FilterCriteria", "filterCriteria",                          [O, O, O, O, O, O, O, F], filters, values::any),
    row("KMSKeyArn", "kMSKeyArn",                                    [O, O, O, O, O, O, O, F], |r| Presence::unless(r.kms_key_arn.as_ref(), String::is_empty), values::any),
    row("ScalingConfig", "scalingConfig",                            [O, O, F, F, F, F, F, F], |r| Presence::unless(r.scaling_config.as_ref(), |c| c.maximum_concurrency.is_none()), values::scaling),
    row("PollerGroupName", "pollerGroupName",                        [F, F, F, F, O, O, F, F], poller_group, values::any),
    row("ProvisionedPollerConfig", "provisionedPollerConfig",        [O, O, F, F, O, O, F, F], pollers, values::pollers),
    row("Topics", "topics",                                          [F, F, F, F, R, R, F, F], |r| Presence::of(r.topics.as_ref()), values::any),
    row("Queues", "queues",                                          [F, F, F, F, F, F, R, F], |r| Presence::of(r.queues.as_ref()), values::any),
    row("SourceAccessConfigurations", "sourceAccessConfigurations",  [F, F, F, F, O, R, R, R], |r| Presence::unless(r.source_access_configurations.as_ref(), Vec::is_empty), values::access),
    row("AmazonManagedKafkaEventSourceConfig", "amazonManagedKafkaEventSourceConfig", [F, F, F, F, O, F, F, F], |r| Presence::unless(r.amazon_managed_kafka_event_source_config.as_ref(), |c| *c == KafkaConfig::default()), values::any),
    row("SelfManagedKafkaEventSourceConfig", "selfManagedKafkaEventSourceConfig",     [F, F, F, F, F, O, F, F], |r| Presence::unless(r.self_managed_kafka_event_source_config.as_ref(), |c| *c == KafkaConfig::default()), values::any),
    row("SchemaRegistryConfig", "schemaRegistryConfig",              [F, F, F, F, P, P, F, F], schema_registry, values::schema_registry),
    row("DocumentDBEventSourceConfig", "documentDBEventSourceConfig", [F, F, F, F, F, F, F, R], |r| Presence::unless(r.document_db_event_source_config.as_ref(), |c| *c == DocumentDb::default()), values::documentdb),
    row("MetricsConfig", "metricsConfig",                            [O, O, O, O, O, O, F, F], metrics, values::metrics),
    row("LoggingConfig", "loggingConfig",                            [F, F, F, F, P, P, F, F], |r| Presence::unless(r.logging_config.as_ref(), |c| c.system_log_level.is_none()), values::any),
    // Tags are for all sources and have no rule beyond their shape.
];

type KafkaConfig = crate::mapping::shapes::KafkaEventSourceConfig;
type DocumentDb = crate::mapping::shapes::DocumentDbEventSourceConfig;

const fn row(
    field: &'static str,
    member: &'static str,
    rules: [Rule; 8],
    presence: fn(&Request) -> Presence,
    value: fn(Subject<'_>) -> Result<(), ApiError>,
) -> Row {
    Row {
        field,
        member,
        rules,
        presence,
        value,
    }
}

fn on_failure(request: &Request) -> Presence {
    Presence::unless(request.destination_config.as_ref(), |config| {
        let destination = config
            .on_failure
            .as_ref()
            .and_then(|event| event.destination.as_ref());
        destination.is_none_or(String::is_empty)
    })
}

fn filters(request: &Request) -> Presence {
    Presence::unless(request.filter_criteria.as_ref(), |criteria| {
        criteria.filters.as_ref().is_none_or(Vec::is_empty)
    })
}

fn poller_group(request: &Request) -> Presence {
    Presence::unless(request.provisioned_poller_config.as_ref(), |config| {
        config
            .poller_group_name
            .as_ref()
            .is_none_or(String::is_empty)
    })
}

fn pollers(request: &Request) -> Presence {
    Presence::unless(request.provisioned_poller_config.as_ref(), |config| {
        *config == crate::mapping::shapes::ProvisionedPollerConfig::default()
    })
}

fn metrics(request: &Request) -> Presence {
    Presence::unless(request.metrics_config.as_ref(), |config| {
        config.metrics.as_ref().is_none_or(Vec::is_empty)
    })
}

fn schema_registry(request: &Request) -> Presence {
    let configs = [
        request.amazon_managed_kafka_event_source_config.as_ref(),
        request.self_managed_kafka_event_source_config.as_ref(),
    ];
    let registry = configs
        .into_iter()
        .flatten()
        .find_map(|config| config.schema_registry_config.as_ref());
    Presence::unless(registry, |config| {
        *config == crate::mapping::shapes::SchemaRegistryConfig::default()
    })
}
