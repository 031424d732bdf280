//! From a mapping back to the request that makes it: the answers of the API and updates start from
//! here.

use std::time::Duration;

use super::model::{
    AwsDestination, DocumentDbMapping, KafkaCluster, KafkaDestination, KafkaMapping, KafkaMode,
    Mapping, Pollers, ProvisionedKafka, RetryPolicy, Source, SqsConcurrency, SqsMapping,
    StartingPosition, StreamSettings, StreamStart,
};
use super::mq::MqMapping;
use super::request::CreateEventSourceMapping;
use super::structures::{
    DestinationConfig, DocumentDbEventSourceConfig, KafkaEventSourceConfig, LoggingConfig,
    MetricsConfig, OnEvent, ProvisionedPollerConfig, ScalingConfig, SelfManagedEventSource,
    SourceAccessConfiguration,
};
use super::wire::AccessKind;

impl Mapping {
    /// Returns the request that makes this mapping, with the defaults of its source spelled out.
    #[must_use]
    pub fn to_request(&self) -> CreateEventSourceMapping {
        let names = || {
            self.metrics
                .iter()
                .map(|metric| metric.as_str().to_owned())
                .collect()
        };
        let mut request = CreateEventSourceMapping {
            event_source_arn: self.source.arn().map(ToString::to_string),
            function_name: Some(self.function.to_string()),
            enabled: Some(self.enabled),
            batch_size: Some(self.source.batch_size().into()),
            filter_criteria: self.filters.as_ref().map(super::FilterSet::criteria),
            kms_key_arn: self.kms_key_arn.clone(),
            metrics_config: (!self.metrics.is_empty()).then(|| MetricsConfig {
                metrics: Some(names()),
            }),
            tags: (!self.tags.is_empty()).then(|| self.tags.clone()),
            ..Default::default()
        };
        match &self.source {
            Source::Sqs(sqs) => add_sqs(&mut request, sqs),
            Source::Kinesis(kinesis) => {
                add_start(&mut request, kinesis.start);
                add_stream(&mut request, &kinesis.settings);
            }
            Source::DynamoDb(dynamodb) => {
                let start = match dynamodb.start {
                    StreamStart::TrimHorizon => StartingPosition::TrimHorizon,
                    StreamStart::Latest => StartingPosition::Latest,
                };
                add_start(&mut request, start);
                add_stream(&mut request, &dynamodb.settings);
            }
            Source::Kafka(kafka) => add_kafka(&mut request, kafka),
            Source::Mq(mq) => add_mq(&mut request, mq),
            Source::DocumentDb(documentdb) => add_documentdb(&mut request, documentdb),
        }
        request
    }
}

fn add_sqs(request: &mut CreateEventSourceMapping, sqs: &SqsMapping) {
    request.maximum_batching_window_in_seconds = Some(seconds(sqs.window));
    request.function_response_types = Some(response_types(sqs.report_batch_item_failures));
    match sqs.concurrency {
        SqsConcurrency::OnDemand { maximum } => {
            request.scaling_config = maximum.map(|maximum| ScalingConfig {
                maximum_concurrency: Some(maximum.into()),
            });
        }
        SqsConcurrency::Provisioned(pollers) => {
            request.provisioned_poller_config = Some(poller_config(pollers, None));
        }
    }
}

fn add_stream(request: &mut CreateEventSourceMapping, settings: &StreamSettings) {
    request.maximum_batching_window_in_seconds = Some(seconds(settings.window));
    request.parallelization_factor = Some(settings.lanes.parallelization_factor().into());
    request.tumbling_window_in_seconds = Some(settings.lanes.tumbling_window().map_or(0, seconds));
    request.function_response_types = Some(response_types(settings.report_batch_item_failures));
    add_retry(request, settings.retry);
    let destination = settings.on_failure.as_ref().map(arn_of);
    request.destination_config = destination.map(destination_config);
}

fn add_kafka(request: &mut CreateEventSourceMapping, kafka: &KafkaMapping) {
    add_start(request, kafka.start);
    request.topics = Some(vec![kafka.topic.clone()]);
    request.maximum_batching_window_in_seconds = kafka.window.map(seconds);
    let mut config = KafkaEventSourceConfig {
        consumer_group_id: Some(kafka.consumer_group_id.clone()),
        schema_registry_config: None,
    };
    match &kafka.mode {
        KafkaMode::OnDemand { on_failure } => {
            let destination = on_failure.as_ref().map(arn_of);
            request.destination_config = destination.map(destination_config);
        }
        KafkaMode::Provisioned(provisioned) => {
            add_provisioned(request, provisioned);
            config.schema_registry_config = provisioned.schema_registry.clone();
        }
    }
    let access = kafka
        .access
        .iter()
        .map(|access| access_config(access.kind, access.uri.as_deref()));
    let access: Vec<_> = access.collect();
    match &kafka.cluster {
        KafkaCluster::Msk { .. } => {
            request.amazon_managed_kafka_event_source_config = Some(config);
            request.source_access_configurations = (!access.is_empty()).then_some(access);
        }
        KafkaCluster::SelfManaged { bootstrap_servers } => {
            request.self_managed_kafka_event_source_config = Some(config);
            request.source_access_configurations = Some(access);
            let servers = (
                "KAFKA_BOOTSTRAP_SERVERS".to_owned(),
                bootstrap_servers.clone(),
            );
            let endpoints = Some([servers].into_iter().collect());
            request.self_managed_event_source = Some(SelfManagedEventSource { endpoints });
        }
    }
}

fn add_provisioned(request: &mut CreateEventSourceMapping, provisioned: &ProvisionedKafka) {
    let group = provisioned.poller_group.clone();
    request.provisioned_poller_config = Some(poller_config(provisioned.pollers, group));
    request.function_response_types = Some(response_types(provisioned.report_batch_item_failures));
    add_retry(request, provisioned.retry);
    let destination = provisioned
        .on_failure
        .as_ref()
        .map(|destination| match destination {
            KafkaDestination::Aws(destination) => arn_of(destination),
            KafkaDestination::Topic(topic) => format!("kafka://{topic}"),
        });
    request.destination_config = destination.map(destination_config);
    request.logging_config = provisioned.log_level.map(|level| LoggingConfig {
        system_log_level: Some(level.as_str().to_owned()),
    });
}

fn add_mq(request: &mut CreateEventSourceMapping, mq: &MqMapping) {
    request.queues = Some(vec![mq.queue.clone()]);
    request.maximum_batching_window_in_seconds = mq.window.map(seconds);
    let host = mq.virtual_host.as_ref();
    let host = host.map(|host| access_config(AccessKind::VirtualHost, Some(host)));
    let credentials = access_config(AccessKind::BasicAuth, Some(&mq.credentials));
    request.source_access_configurations = Some([credentials].into_iter().chain(host).collect());
}

fn add_documentdb(request: &mut CreateEventSourceMapping, documentdb: &DocumentDbMapping) {
    add_start(request, documentdb.start);
    request.maximum_batching_window_in_seconds = documentdb.window.map(seconds);
    request.document_db_event_source_config = Some(DocumentDbEventSourceConfig {
        database_name: Some(documentdb.database.clone()),
        collection_name: documentdb.collection.clone(),
        full_document: Some(documentdb.full_document.as_str().to_owned()),
    });
    let credentials = access_config(AccessKind::BasicAuth, Some(&documentdb.credentials));
    request.source_access_configurations = Some(vec![credentials]);
}

fn add_start(request: &mut CreateEventSourceMapping, start: StartingPosition) {
    let (name, timestamp) = match start {
        StartingPosition::TrimHorizon => ("TRIM_HORIZON", None),
        StartingPosition::Latest => ("LATEST", None),
        StartingPosition::AtTimestamp(timestamp) => ("AT_TIMESTAMP", Some(timestamp)),
    };
    request.starting_position = Some(name.to_owned());
    request.starting_position_timestamp = timestamp.map(super::configuration::epoch_seconds);
}

fn add_retry(request: &mut CreateEventSourceMapping, retry: RetryPolicy) {
    request.maximum_retry_attempts = Some(retry.maximum_retries.map_or(-1, i64::from));
    request.maximum_record_age_in_seconds = Some(retry.maximum_record_age.map_or(-1, seconds));
    request.bisect_batch_on_function_error = Some(retry.bisect_on_error);
}

fn destination_config(destination: String) -> DestinationConfig {
    DestinationConfig {
        on_success: None,
        on_failure: Some(OnEvent {
            destination: Some(destination),
        }),
    }
}

fn arn_of(destination: &AwsDestination) -> String {
    destination.arn().to_string()
}

fn poller_config(pollers: Pollers, group: Option<String>) -> ProvisionedPollerConfig {
    ProvisionedPollerConfig {
        minimum_pollers: Some(pollers.minimum.into()),
        maximum_pollers: Some(pollers.maximum.into()),
        poller_group_name: group,
    }
}

fn access_config(kind: AccessKind, uri: Option<&str>) -> SourceAccessConfiguration {
    SourceAccessConfiguration {
        r#type: Some(kind.as_str().to_owned()),
        uri: uri.map(str::to_owned),
    }
}

fn response_types(report_batch_item_failures: bool) -> Vec<String> {
    let types = report_batch_item_failures.then(|| "ReportBatchItemFailures".to_owned());
    types.into_iter().collect()
}

fn seconds(duration: Duration) -> i64 {
    i64::try_from(duration.as_secs()).unwrap_or(i64::MAX)
}
