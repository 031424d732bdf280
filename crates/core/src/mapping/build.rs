//! From a request to a mapping.

use std::time::Duration;

use super::arn::{Arn, SourceKind};
use super::error::ApiError;
use super::function::FunctionRef;
use super::kafka::{Access, KafkaCluster, KafkaMapping, KafkaMode, ProvisionedKafka};
use super::model::{
    Context, DocumentDbMapping, DynamoDbMapping, KinesisMapping, Lanes, Mapping, Source,
    SqsConcurrency, SqsMapping, StreamSettings, StreamStart,
};
use super::mq::MqMapping;
use super::request::CreateEventSourceMapping;
use super::settings::{Pollers, RetryPolicy, StartingPosition};
use super::structures::SelfManagedKafkaEventSourceConfig;
use super::tags::check_tags;
use super::uncompiled::UncompiledMapping;
use super::validate::row::Subject;
use super::validate::{destination, members, table, values};
use super::wire::{AccessKind, ConsumptionMode, FullDocument, LogLevel, Metric};
use crate::time::Timestamp;

impl Mapping {
    /// Makes a mapping of a request, with every default filled in.
    ///
    /// # Errors
    /// The first of: a member that breaks its own constraint (`ValidationException`, with all such
    /// members at once), a `DestinationConfig` that no source has, an unknown kind of source, then the parameters
    /// in the order of the table, then the filters. Whether function, source and other mappings
    /// agree is for the caller, after this.
    pub fn create(request: CreateEventSourceMapping, context: &Context) -> Result<Self, ApiError> {
        Self::draft(request, context)?.compile()
    }

    /// Makes a mapping of a request, all but its filters.
    ///
    /// # Errors
    /// As [`create`](Self::create), but for the filters.
    pub fn draft(
        request: CreateEventSourceMapping,
        context: &Context,
    ) -> Result<UncompiledMapping, ApiError> {
        members::check(&request, true)?;
        values::destinations(&request)?;
        let kind = source_kind(&request)?;
        table::check(Subject {
            kind,
            request: &request,
            now: Some(context.now),
        })?;
        let Some(function) = request
            .function_name
            .as_deref()
            .and_then(FunctionRef::parse)
        else {
            return Err(ApiError::missing("FunctionName", "functionName"));
        };
        let function = function.resolved(&context.region, &context.account_id);
        request.tags.as_ref().map_or(Ok(()), check_tags)?;
        let identity = Identity {
            uuid: context.uuid,
            function,
            created: context.now,
        };
        build(request, kind, identity, context)
    }
}

/// What a mapping has that validation of the source does not touch.
pub(super) struct Identity {
    pub(super) uuid: uuid::Uuid,
    pub(super) function: FunctionRef,
    pub(super) created: Timestamp,
}

/// Turns a request that passed the table into a mapping.
pub(super) fn build(
    mut request: CreateEventSourceMapping,
    kind: SourceKind,
    identity: Identity,
    context: &Context,
) -> Result<UncompiledMapping, ApiError> {
    let criteria = request.filter_criteria.take();
    let Identity {
        uuid,
        function,
        created,
    } = identity;
    let metrics = request
        .metrics_config
        .iter()
        .flat_map(|config| config.metrics.iter().flatten());
    let mapping = Mapping {
        uuid,
        function,
        enabled: request.enabled.unwrap_or(true),
        disabled_because: None,
        filters: None,
        kms_key_arn: request.kms_key_arn.clone().filter(|key| !key.is_empty()),
        metrics: metrics.filter_map(|metric| Metric::parse(metric)).collect(),
        tags: request.tags.clone().unwrap_or_default(),
        created,
        last_modified: context.now,
        source: source(&request, kind, uuid)?,
    };
    Ok(UncompiledMapping {
        mapping,
        criteria,
        dialect: context.dialect,
        limits: context.filter_limits,
    })
}

/// Recognises the source.
fn source_kind(request: &CreateEventSourceMapping) -> Result<SourceKind, ApiError> {
    let kind = match (
        &request.event_source_arn,
        &request.self_managed_event_source,
    ) {
        (Some(arn), _) => Arn::parse(arn).as_ref().and_then(SourceKind::of),
        (None, Some(_)) => Some(SourceKind::SelfManagedKafka),
        (None, None) => None,
    };
    kind.ok_or_else(|| {
        ApiError::invalid("EventSourceArn", "Unrecognized event source.").hint(
            "give EventSourceArn of an SQS queue, Kinesis stream, DynamoDB stream, MSK cluster, Amazon MQ \
             broker or DocumentDB cluster, or SelfManagedEventSource",
        )
    })
}

fn source(
    request: &CreateEventSourceMapping,
    kind: SourceKind,
    uuid: uuid::Uuid,
) -> Result<Source, ApiError> {
    let arn = || request.event_source_arn.as_deref().and_then(Arn::parse);
    let arn = || arn().ok_or_else(|| ApiError::missing("EventSourceArn", "eventSourceArn"));
    Ok(match kind {
        SourceKind::SqsStandard | SourceKind::SqsFifo => Source::Sqs(sqs(request, kind, arn()?)),
        SourceKind::Kinesis | SourceKind::KinesisConsumer => Source::Kinesis(KinesisMapping {
            stream_arn: arn()?,
            consumer: kind == SourceKind::KinesisConsumer,
            start: starting_position(request),
            settings: stream(request),
        }),
        SourceKind::DynamoDbStream => Source::DynamoDb(DynamoDbMapping {
            stream_arn: arn()?,
            start: match starting_position(request) {
                StartingPosition::Latest => StreamStart::Latest,
                _ => StreamStart::TrimHorizon,
            },
            settings: stream(request),
        }),
        SourceKind::Msk => Source::Kafka(kafka(request, KafkaCluster::Msk { arn: arn()? }, uuid)?),
        SourceKind::SelfManagedKafka => {
            let source = request.self_managed_event_source.as_ref();
            let endpoints = source
                .iter()
                .filter_map(|source| source.endpoints.as_ref())
                .flatten();
            let bootstrap_servers = endpoints.flat_map(|(_, servers)| servers.clone()).collect();
            Source::Kafka(kafka(
                request,
                KafkaCluster::SelfManaged { bootstrap_servers },
                uuid,
            )?)
        }
        SourceKind::AmazonMq => Source::Mq(MqMapping {
            broker_arn: arn()?,
            queue: the_one("Queues", "queues", request.queues.as_deref())?,
            batch_size: count(request.batch_size, 100),
            window: optional_window(request),
            credentials: credentials(request)?,
            virtual_host: access_uri(request, AccessKind::VirtualHost),
        }),
        SourceKind::DocumentDb => Source::DocumentDb(documentdb(request, arn()?)?),
    })
}

fn sqs(request: &CreateEventSourceMapping, kind: SourceKind, queue_arn: Arn) -> SqsMapping {
    let scaling = request.scaling_config.as_ref();
    let maximum = scaling.and_then(|scaling| scaling.maximum_concurrency);
    SqsMapping {
        queue_arn,
        fifo: kind == SourceKind::SqsFifo,
        batch_size: count(request.batch_size, 10),
        window: window(request),
        report_batch_item_failures: reports_failures(request),
        concurrency: match pollers(request, kind) {
            Some(pollers) => SqsConcurrency::Provisioned(pollers),
            None => SqsConcurrency::OnDemand {
                maximum: maximum.and_then(|maximum| u32::try_from(maximum).ok()),
            },
        },
    }
}

fn stream(request: &CreateEventSourceMapping) -> StreamSettings {
    let tumbling = request.tumbling_window_in_seconds.unwrap_or_default();
    let factor = request
        .parallelization_factor
        .and_then(|factor| u8::try_from(factor).ok());
    StreamSettings {
        batch_size: count(request.batch_size, 100),
        window: window(request),
        lanes: if tumbling > 0 {
            Lanes::Tumbling(seconds(tumbling))
        } else {
            Lanes::Parallel(factor.unwrap_or(1))
        },
        retry: retry(request),
        on_failure: request.on_failure().and_then(destination::aws),
        report_batch_item_failures: reports_failures(request),
    }
}

fn kafka(
    request: &CreateEventSourceMapping,
    cluster: KafkaCluster,
    uuid: uuid::Uuid,
) -> Result<KafkaMapping, ApiError> {
    let kind = match &cluster {
        KafkaCluster::Msk { .. } => SourceKind::Msk,
        KafkaCluster::SelfManaged { .. } => SourceKind::SelfManagedKafka,
    };
    let config = group_config(&cluster, request);
    let mode = config.consumption_mode.as_deref();
    let consumption = mode.and_then(ConsumptionMode::parse);
    let mut retry = retry(request);
    if consumption == Some(ConsumptionMode::Queue) {
        retry.maximum_retries.get_or_insert(0);
    }
    let level = request
        .logging_config
        .as_ref()
        .and_then(|config| config.system_log_level.as_ref());
    let mode = match pollers(request, kind) {
        None => KafkaMode::OnDemand {
            on_failure: request.on_failure().and_then(destination::aws),
        },
        Some(pollers) => KafkaMode::Provisioned(Box::new(ProvisionedKafka {
            pollers,
            poller_group: request
                .provisioned_poller_config
                .as_ref()
                .and_then(|config| config.poller_group_name.clone())
                .filter(|group| !group.is_empty()),
            retry,
            report_batch_item_failures: reports_failures(request),
            on_failure: request.on_failure().and_then(destination::kafka),
            schema_registry: config
                .schema_registry_config
                .filter(|c| *c != Default::default()),
            log_level: level.and_then(|level| LogLevel::parse(level)),
        })),
    };
    Ok(KafkaMapping {
        cluster,
        topic: the_one("Topics", "topics", request.topics.as_deref())?,
        consumption,
        start: starting_position(request),
        consumer_group_id: config.consumer_group_id.unwrap_or_else(|| uuid.to_string()),
        batch_size: count(request.batch_size, 100),
        window: optional_window(request),
        access: accesses(request),
        mode,
    })
}

/// Returns the configuration of the group. That of an MSK cluster is a part of the other: it knows consumer
/// groups only.
pub(super) fn group_config(
    cluster: &KafkaCluster,
    request: &CreateEventSourceMapping,
) -> SelfManagedKafkaEventSourceConfig {
    match cluster {
        KafkaCluster::Msk { .. } => {
            let config = request.amazon_managed_kafka_event_source_config.clone();
            let config = config.unwrap_or_default();
            SelfManagedKafkaEventSourceConfig {
                consumer_group_id: config.consumer_group_id,
                consumption_mode: None,
                schema_registry_config: config.schema_registry_config,
            }
        }
        KafkaCluster::SelfManaged { .. } => {
            let config = request.self_managed_kafka_event_source_config.clone();
            config.unwrap_or_default()
        }
    }
}

fn documentdb(
    request: &CreateEventSourceMapping,
    cluster_arn: Arn,
) -> Result<DocumentDbMapping, ApiError> {
    let config = request
        .document_db_event_source_config
        .clone()
        .unwrap_or_default();
    let full_document = config
        .full_document
        .as_deref()
        .and_then(FullDocument::parse);
    let Some(database) = config.database_name else {
        return Err(ApiError::missing(
            "DocumentDBEventSourceConfig",
            "databaseName",
        ));
    };
    Ok(DocumentDbMapping {
        cluster_arn,
        database,
        collection: config.collection_name,
        full_document: full_document.unwrap_or(FullDocument::Default),
        start: starting_position(request),
        batch_size: count(request.batch_size, 100),
        window: optional_window(request),
        credentials: credentials(request)?,
    })
}

/// Reads the starting position; self-managed Kafka may omit it and then starts at the oldest record
/// (recorded).
fn starting_position(request: &CreateEventSourceMapping) -> StartingPosition {
    match (
        request.starting_position.as_deref(),
        request.starting_position_timestamp,
    ) {
        (Some("LATEST"), _) => StartingPosition::Latest,
        (Some("AT_TIMESTAMP"), Some(seconds)) => {
            #[expect(
                clippy::cast_possible_truncation,
                reason = "milliseconds, and saturating"
            )]
            let millis = (seconds * 1000.0).round() as i64;
            StartingPosition::AtTimestamp(Timestamp(millis))
        }
        _ => StartingPosition::TrimHorizon,
    }
}

fn retry(request: &CreateEventSourceMapping) -> RetryPolicy {
    let limit = |value: Option<i64>| value.and_then(|value| u32::try_from(value).ok());
    RetryPolicy {
        maximum_retries: limit(request.maximum_retry_attempts),
        maximum_record_age: limit(request.maximum_record_age_in_seconds)
            .map(|age| Duration::from_secs(age.into())),
        bisect_on_error: request.bisect_batch_on_function_error.unwrap_or_default(),
    }
}

fn pollers(request: &CreateEventSourceMapping, kind: SourceKind) -> Option<Pollers> {
    let subject = Subject {
        kind,
        request,
        now: None,
    };
    let config = request
        .provisioned_poller_config
        .as_ref()
        .filter(|_| subject.provisioned())?;
    Some(Pollers {
        minimum: count(config.minimum_pollers, if kind.is_sqs() { 2 } else { 1 }),
        maximum: count(config.maximum_pollers, 200),
    })
}

fn reports_failures(request: &CreateEventSourceMapping) -> bool {
    request
        .function_response_types
        .as_ref()
        .is_some_and(|types| !types.is_empty())
}

fn accesses(request: &CreateEventSourceMapping) -> Vec<Access> {
    let accesses = request.source_access_configurations.iter().flatten();
    let parse = |kind: &Option<String>, uri: &Option<String>| {
        Some(Access {
            kind: AccessKind::parse(kind.as_deref()?)?,
            uri: uri.clone(),
        })
    };
    accesses
        .filter_map(|access| parse(&access.r#type, &access.uri))
        .collect()
}

fn access_uri(request: &CreateEventSourceMapping, kind: AccessKind) -> Option<String> {
    accesses(request)
        .into_iter()
        .find(|access| access.kind == kind)
        .and_then(|access| access.uri)
}

fn credentials(request: &CreateEventSourceMapping) -> Result<String, ApiError> {
    access_uri(request, AccessKind::BasicAuth).ok_or_else(|| {
        ApiError::missing("SourceAccessConfigurations", "sourceAccessConfigurations")
    })
}

fn the_one(
    field: &'static str,
    member: &str,
    values: Option<&[String]>,
) -> Result<String, ApiError> {
    let first = values.and_then(<[String]>::first);
    first
        .cloned()
        .ok_or_else(|| ApiError::missing(field, member))
}

/// A number that its shape keeps within `u32`.
fn count(value: Option<i64>, default: u32) -> u32 {
    value
        .and_then(|value| u32::try_from(value).ok())
        .unwrap_or(default)
}

fn seconds(value: i64) -> Duration {
    Duration::from_secs(u64::try_from(value).unwrap_or_default())
}

fn window(request: &CreateEventSourceMapping) -> Duration {
    optional_window(request).unwrap_or_default()
}

fn optional_window(request: &CreateEventSourceMapping) -> Option<Duration> {
    request.maximum_batching_window_in_seconds.map(seconds)
}
