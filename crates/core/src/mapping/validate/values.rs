//! What the value of a parameter must be, alone and beside others, where the source has it.
//!
//! Texts without a source named are not recorded anywhere; they say the rule in AWS's manner.

use super::destination;
use super::row::Subject;
use crate::excerpt::cut;
use crate::mapping::arn::SourceKind;
use crate::mapping::error::ApiError;
use crate::mapping::request::CreateEventSourceMapping;
use crate::mapping::wire::Metric;

type Checked = Result<(), ApiError>;

/// A parameter without a rule beyond its shape.
pub(super) const fn any(_: Subject<'_>) -> Checked {
    Ok(())
}

/// No event source mapping has an `OnSuccess` destination (recorded; this wins over every other check),
/// and an `OnFailure` says which destination (recorded for updates). An empty text says that there is none.
pub(in crate::mapping) fn destinations(request: &CreateEventSourceMapping) -> Checked {
    let field = "DestinationConfig";
    let Some(config) = &request.destination_config else {
        return Ok(());
    };
    let success = config.on_success.as_ref();
    if success.is_some_and(|success| success.destination.is_some()) {
        return Err(ApiError::unsupported(field)
            .hint("remove OnSuccess: event source mappings report failures only"));
    }
    let failure = config.on_failure.as_ref();
    if failure.is_some_and(|failure| failure.destination.is_none()) {
        return Err(ApiError::invalid(
            field,
            "The Destination field is required for an OnFailure configuration.",
        )
        .hint("add Destination, with an empty text if there is to be none, or remove OnFailure"));
    }
    Ok(())
}

pub(super) fn bootstrap_servers(subject: Subject<'_>) -> Checked {
    let source = subject.request.self_managed_event_source.as_ref();
    if source.is_some_and(|source| source.endpoints.is_none()) {
        return Err(ApiError::missing(
            "SelfManagedEventSource",
            "selfManagedEventSource.endpoints",
        )
        .hint("add Endpoints with KAFKA_BOOTSTRAP_SERVERS: a list of host:port"));
    }
    Ok(())
}

/// A FIFO queue gives at most ten messages (text as reported of the service by its users). That it has no
/// batching window is said first (recorded).
pub(super) fn batch_size(subject: Subject<'_>) -> Checked {
    if subject.kind == SourceKind::SqsFifo {
        window(subject)?;
    }
    if subject.kind == SourceKind::SqsFifo
        && subject.request.batch_size.is_some_and(|size| size > 10)
    {
        return Err(ApiError::invalid(
            "BatchSize",
            "Maximum batch size must be between 1 and 10 inclusive",
        )
        .hint("lower BatchSize to 10: a FIFO queue hands out no more at a time"));
    }
    Ok(())
}

/// A DynamoDB stream cannot look up a time (recorded); elsewhere `AT_TIMESTAMP` needs one (text as
/// reported of the service by its users).
pub(super) fn starting_position(subject: Subject<'_>) -> Checked {
    let request = subject.request;
    if request.starting_position.as_deref() != Some("AT_TIMESTAMP") {
        return Ok(());
    }
    if subject.kind == SourceKind::DynamoDbStream {
        let arn = request.event_source_arn.as_deref().unwrap_or_default();
        let message = format!("Unsupported starting position for arn type: {}", cut(arn));
        return Err(ApiError::invalid("StartingPosition", message)
            .hint("use TRIM_HORIZON or LATEST for a DynamoDB stream"));
    }
    if request.starting_position_timestamp.is_none() {
        return Err(
            ApiError::invalid("StartingPositionTimestamp", "Need to specify a timestamp")
                .hint("add StartingPositionTimestamp, or use TRIM_HORIZON or LATEST"),
        );
    }
    Ok(())
}

pub(super) fn starting_timestamp(subject: Subject<'_>) -> Checked {
    let field = "StartingPositionTimestamp";
    let Some(seconds) = subject.request.starting_position_timestamp else {
        return Ok(());
    };
    if subject.request.starting_position.as_deref() != Some("AT_TIMESTAMP") {
        return Err(ApiError::unsupported(field)
            .hint("set StartingPosition to AT_TIMESTAMP, or remove StartingPositionTimestamp"));
    }
    if !seconds.is_finite() || seconds < 0.0 {
        return Err(ApiError::invalid(
            field,
            "StartingPositionTimestamp must be a Unix time in seconds.",
        ));
    }
    #[expect(clippy::cast_precision_loss, reason = "exact for any date of this era")]
    let future = subject
        .now
        .is_some_and(|now| seconds * 1000.0 > now.0 as f64);
    if future {
        return Err(ApiError::invalid(
            field,
            "StartingPositionTimestamp must not be in the future.",
        )
        .hint("it is in seconds since 1970, not milliseconds; use LATEST to start now"));
    }
    Ok(())
}

/// FIFO queues have no window, and a standard queue needs one to gather more than ten messages
/// (both recorded). AWS's reference states the second rule for streams as well, but the service
/// does not keep it.
pub(super) fn window(subject: Subject<'_>) -> Checked {
    let field = "MaximumBatchingWindowInSeconds";
    let window = subject
        .request
        .maximum_batching_window_in_seconds
        .unwrap_or_default();
    match subject.kind {
        SourceKind::SqsFifo if window > 0 => Err(ApiError::invalid(
            field,
            "Batching window is not supported for FIFO queues",
        )
        .hint("remove MaximumBatchingWindowInSeconds")),
        SourceKind::SqsStandard if window < 1 && subject.request.batch_size.unwrap_or(10) > 10 => {
            Err(ApiError::invalid(
                field,
                "Maximum batch window in seconds must be greater than 0 if maximum batch size is \
                 greater than 10",
            )
            .hint("set MaximumBatchingWindowInSeconds to 1 or more, or BatchSize to 10 or less"))
        }
        _ => Ok(()),
    }
}

/// A tumbling window keeps one state per shard, so the shard is one lane.
pub(super) fn tumbling_window(subject: Subject<'_>) -> Checked {
    let tumbling = subject
        .request
        .tumbling_window_in_seconds
        .unwrap_or_default()
        > 0;
    if tumbling && subject.request.parallelization_factor.unwrap_or(1) > 1 {
        return Err(ApiError::invalid(
            "ParallelizationFactor",
            "ParallelizationFactor must be 1 if TumblingWindowInSeconds is greater than 0.",
        )
        .hint("remove ParallelizationFactor or TumblingWindowInSeconds"));
    }
    Ok(())
}

/// A share group bounds how often a record is delivered, so no mapping of one retries for ever (Lambda API
/// reference, `MaximumRetryAttempts`).
pub(super) fn retries(subject: Subject<'_>) -> Checked {
    if subject.queue() && subject.request.maximum_retry_attempts == Some(-1) {
        return Err(ApiError::invalid(
            "MaximumRetryAttempts",
            "MaximumRetryAttempts must be between 0 and 10000 in Queue mode.",
        )
        .hint(
            "set MaximumRetryAttempts to 0 or more, or remove it for 0: -1, without a limit, is for \
             ConsumptionMode Stream",
        ));
    }
    Ok(())
}

/// Either no limit or at least a minute (Lambda API reference).
pub(super) fn record_age(subject: Subject<'_>) -> Checked {
    if subject
        .request
        .maximum_record_age_in_seconds
        .is_some_and(|age| (0..60).contains(&age))
    {
        return Err(ApiError::invalid(
            "MaximumRecordAgeInSeconds",
            "MaximumRecordAgeInSeconds must be -1 or between 60 and 604800.",
        )
        .hint("use -1 for no limit, or 60 or more"));
    }
    Ok(())
}

/// Streams and on-demand Kafka write to SQS, SNS or S3, provisioned Kafka also to another of its
/// topics.
pub(super) fn on_failure(subject: Subject<'_>) -> Checked {
    let field = "DestinationConfig";
    let Some(text) = subject.request.on_failure() else {
        return Ok(());
    };
    if let Some(topic) = text.strip_prefix("kafka://") {
        if !subject.kind.is_kafka() {
            return Err(ApiError::unsupported(field)
                .hint("use an SQS queue, SNS topic or S3 bucket: kafka:// is for Kafka mappings"));
        }
        if !subject.provisioned() {
            return Err(ApiError::unsupported(field).hint(
                "a kafka:// destination needs provisioned mode: add ProvisionedPollerConfig",
            ));
        }
        return other_topic(topic, subject.request);
    }
    if destination::aws(text).is_none() {
        return Err(ApiError::unsupported(field).hint(format!(
            "{text} is no destination: use the ARN of an SQS standard queue, an SNS standard topic or an \
             S3 bucket"
        )));
    }
    Ok(())
}

/// Records that are given up go to another topic (Lambda developer guide, Kafka on-failure destinations), of a
/// name that Kafka allows. Its length is checked with the member.
fn other_topic(topic: &str, request: &CreateEventSourceMapping) -> Checked {
    let field = "DestinationConfig";
    let legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    if topic.is_empty() || !topic.chars().all(legal) {
        let message = format!(
            "The Kafka topic of the on-failure destination has an illegal name: '{}'.",
            cut(topic)
        );
        return Err(ApiError::invalid(field, message)
            .hint("name a topic of ASCII letters, digits, '.', '_' and '-'"));
    }
    if request
        .topics
        .iter()
        .flatten()
        .any(|source| source == topic)
    {
        return Err(ApiError::invalid(
            field,
            "The Kafka topic of the on-failure destination must not be the source topic.",
        )
        .hint(format!(
            "name a topic other than {}: what is given up would come back to this mapping",
            cut(topic)
        )));
    }
    Ok(())
}

/// `MaximumConcurrency` and dedicated pollers exclude each other (Lambda developer guide, SQS
/// scaling).
pub(super) fn scaling(subject: Subject<'_>) -> Checked {
    let config = subject.request.scaling_config.as_ref();
    let limited = config.is_some_and(|config| config.maximum_concurrency.is_some());
    if limited && subject.provisioned() {
        return Err(ApiError::invalid(
            "ScalingConfig",
            "ScalingConfig and ProvisionedPollerConfig cannot both be set.",
        )
        .hint("remove MaximumConcurrency, or the pollers"));
    }
    Ok(())
}

/// The ranges of each source (Lambda developer guide, provisioned mode of SQS and of Kafka).
pub(super) fn pollers(subject: Subject<'_>) -> Checked {
    let field = "ProvisionedPollerConfig";
    let Some(config) = &subject.request.provisioned_poller_config else {
        return Ok(());
    };
    let (least, most) = if subject.kind.is_sqs() {
        (2, 10_000)
    } else {
        (1, 2000)
    };
    let minimum = config.minimum_pollers.unwrap_or(least);
    let maximum = config.maximum_pollers.unwrap_or(200);
    if minimum < least {
        let message = format!("MinimumPollers must be between {least} and 200.");
        return Err(ApiError::invalid(field, message)
            .hint(format!("raise MinimumPollers from {minimum} to {least}")));
    }
    if !(least..=most).contains(&maximum) {
        let message = format!("MaximumPollers must be between {least} and {most}.");
        return Err(ApiError::invalid(field, message).hint(format!(
            "set MaximumPollers, which is {maximum}, to one of these"
        )));
    }
    if maximum < minimum {
        let message = "MaximumPollers must be greater than or equal to MinimumPollers.";
        return Err(ApiError::invalid(field, message).hint(format!(
            "raise MaximumPollers from {maximum} to {minimum}, or lower MinimumPollers"
        )));
    }
    Ok(())
}

pub(super) fn schema_registry(subject: Subject<'_>) -> Checked {
    let registry = subject.request.schema_registry();
    if registry.is_some_and(|registry| {
        *registry != Default::default() && registry.schema_registry_uri.is_none()
    }) {
        return Err(
            ApiError::missing("SchemaRegistryConfig", "schemaRegistryURI").hint(
                "add SchemaRegistryURI: the ARN of a Glue registry, or the URL of a Confluent one",
            ),
        );
    }
    Ok(())
}

pub(super) fn documentdb(subject: Subject<'_>) -> Checked {
    let config = subject.request.document_db_event_source_config.as_ref();
    if config.is_some_and(|config| config.database_name.is_none()) {
        return Err(ApiError::missing(
            "DocumentDBEventSourceConfig",
            "databaseName",
        ));
    }
    Ok(())
}

/// Only Kafka has more than event counts (Lambda developer guide, event source mapping metrics).
pub(super) fn metrics(subject: Subject<'_>) -> Checked {
    let config = subject.request.metrics_config.as_ref();
    let mut metrics = config
        .into_iter()
        .flat_map(|config| config.metrics.iter().flatten());
    if !subject.kind.is_kafka() && metrics.any(|metric| metric != Metric::EventCount.as_str()) {
        return Err(ApiError::unsupported("MetricsConfig")
            .hint(format!("{} has EventCount only", subject.kind.words())));
    }
    Ok(())
}
