//! Which parameter is for which source (Lambda developer guide, parameter tables of each source).
//!
//! The order of the rows is the order in which AWS's checks win, as far as recorded: batch size,
//! starting position, batch size against window, then the rest. Default values of a parameter that
//! is forbidden are refused like any other value, as AWS does; empty structures ask for nothing and
//! pass.

use super::access;
use super::row::{Presence, Row, Rule, Subject, asks_for_queue};
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

/// Makes the function that finds a parameter in a request.
macro_rules! given {
    ($member:ident) => {
        |request| Presence::of(request.$member.as_ref())
    };
    ($member:ident, default $default:expr) => {
        |request| Presence::beside(request.$member.as_ref(), &$default)
    };
    ($member:ident, unless $empty:expr) => {
        |request| Presence::unless(request.$member.as_ref(), $empty)
    };
}

#[rustfmt::skip]
const ROWS: [Row; 29] = [
    // Columns: SQS standard, SQS FIFO, Kinesis, DynamoDB, MSK, self-managed Kafka, the same in Queue mode, Amazon MQ,
    // DocumentDB.
    row("FunctionName",                        [R, R, R, R, R, R, R, R, R], given!(function_name), values::any),
    row("EventSourceArn",                      [R, R, R, R, R, F, F, R, R], given!(event_source_arn), values::any),
    row("SelfManagedEventSource",              [F, F, F, F, F, R, R, F, F], given!(self_managed_event_source), values::bootstrap_servers),
    row("Enabled",                             [O, O, O, O, O, O, O, O, O], given!(enabled), values::any),
    row("BatchSize",                           [O, O, O, O, O, O, O, O, O], given!(batch_size), values::batch_size),
    row("StartingPosition",                    [F, F, R, R, R, O, F, F, R], given!(starting_position), values::starting_position),
    row("StartingPositionTimestamp",           [F, F, O, F, O, O, F, F, O], given!(starting_position_timestamp), values::starting_timestamp),
    row("MaximumBatchingWindowInSeconds",      [O, O, O, O, O, O, F, O, O], given!(maximum_batching_window_in_seconds), values::window),
    row("ParallelizationFactor",               [F, F, O, O, F, F, F, F, F], given!(parallelization_factor), values::any),
    row("TumblingWindowInSeconds",             [F, F, O, O, F, F, F, F, F], given!(tumbling_window_in_seconds), values::tumbling_window),
    row("BisectBatchOnFunctionError",          [F, F, O, O, P, P, P, F, F], given!(bisect_batch_on_function_error, default false), values::any),
    row("MaximumRetryAttempts",                [F, F, O, O, P, P, P, F, F], retries, values::retries),
    row("MaximumRecordAgeInSeconds",           [F, F, O, O, P, P, P, F, F], given!(maximum_record_age_in_seconds, default -1), values::record_age),
    row("DestinationConfig",                   [F, F, O, O, O, O, O, F, F], on_failure, values::on_failure),
    row("FunctionResponseTypes",               [O, O, O, O, P, P, P, F, F], given!(function_response_types, unless Vec::is_empty), values::any),
    row("FilterCriteria",                      [O, O, O, O, O, O, O, O, F], filters, values::any),
    row("KMSKeyArn",                           [O, O, O, O, O, O, O, O, F], given!(kms_key_arn, unless String::is_empty), values::any),
    row("ScalingConfig",                       [O, O, F, F, F, F, F, F, F], given!(scaling_config, unless is_default), values::scaling),
    row("PollerGroupName",                     [F, F, F, F, O, O, O, F, F], poller_group, values::any),
    row("ProvisionedPollerConfig",             [O, O, F, F, O, O, O, F, F], given!(provisioned_poller_config, unless is_default), values::pollers),
    row("Topics",                              [F, F, F, F, R, R, R, F, F], given!(topics), values::any),
    row("Queues",                              [F, F, F, F, F, F, F, R, F], given!(queues), values::any),
    row("SourceAccessConfigurations",          [F, F, F, F, O, R, R, R, R], given!(source_access_configurations, unless Vec::is_empty), access::check),
    row("AmazonManagedKafkaEventSourceConfig", [F, F, F, F, O, F, F, F, F], given!(amazon_managed_kafka_event_source_config, unless is_default), values::any),
    row("SelfManagedKafkaEventSourceConfig",   [F, F, F, F, F, O, O, F, F], given!(self_managed_kafka_event_source_config, unless is_default), values::any),
    row("SchemaRegistryConfig",                [F, F, F, F, P, P, P, F, F], schema_registry, values::schema_registry),
    row("DocumentDBEventSourceConfig",         [F, F, F, F, F, F, F, F, R], given!(document_db_event_source_config, unless is_default), values::documentdb),
    row("MetricsConfig",                       [O, O, O, O, O, O, O, F, F], metrics, values::metrics),
    row("LoggingConfig",                       [F, F, F, F, P, P, P, F, F], given!(logging_config, unless is_default), values::any),
    // Tags are for all sources and have no rule beyond their shape.
];

const fn row(
    field: &'static str,
    rules: [Rule; 9],
    presence: fn(&Request) -> Presence,
    value: fn(Subject<'_>) -> Result<(), ApiError>,
) -> Row {
    Row {
        field,
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

/// A share group has no retries unless they are asked for, and -1 is refused for itself
/// ([`values::retries`]).
fn retries(request: &Request) -> Presence {
    let attempts = request.maximum_retry_attempts;
    if asks_for_queue(request) {
        Presence::beside(attempts.filter(|attempts| *attempts != -1).as_ref(), &0)
    } else {
        Presence::beside(attempts.as_ref(), &-1)
    }
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

fn metrics(request: &Request) -> Presence {
    Presence::unless(request.metrics_config.as_ref(), |config| {
        config.metrics.as_ref().is_none_or(Vec::is_empty)
    })
}

fn schema_registry(request: &Request) -> Presence {
    Presence::unless(request.schema_registry(), is_default)
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}
