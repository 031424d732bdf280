//! The same for the members of nested structures.

use std::fmt;

use super::patterns::{
    ARN, COLLECTION, DATABASE, DESTINATION, ENDPOINT, POLLER_GROUP, REGISTRY, URI,
};
use super::violations::{Member, Violations};
use crate::excerpt::cut;
use crate::mapping::request::CreateEventSourceMapping;
use crate::mapping::structures::{SchemaRegistryConfig, SourceAccessConfiguration};
use crate::mapping::wire::{AccessKind, ConsumptionMode, FullDocument, LogLevel, Metric};

/// How many items these lists may have. Of longer ones no more than these are checked one by one: they are
/// refused anyway, and should cost little.
const MOST_ACCESSES: usize = 23;
const MOST_ENDPOINTS: usize = 2;
const MOST_SERVERS: usize = 10;

/// A source access configuration as AWS shows it.
struct ShownAccess<'a>(&'a SourceAccessConfiguration);

impl fmt::Display for ShownAccess<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (kind, uri) = (self.0.r#type.as_deref(), self.0.uri.as_deref());
        let (kind, uri) = (kind.unwrap_or("null"), uri.unwrap_or("null"));
        write!(out, "SourceAccessConfiguration(type={kind}, uRI={uri})")
    }
}

/// Checks the nested structures.
pub(super) fn check(request: &CreateEventSourceMapping, violations: &mut Violations) {
    filters(request, violations);
    destinations(request, violations);
    pollers(request, violations);
    accesses(request, violations);
    self_managed(request, violations);
    documentdb(request, violations);
    observability(request, violations);
    if let Some(config) = &request.amazon_managed_kafka_event_source_config {
        let at = member(
            "AmazonManagedKafkaEventSourceConfig",
            "amazonManagedKafkaEventSourceConfig",
        );
        consumer_group(at, config.consumer_group_id.as_deref(), violations);
        schema_registry(at, config.schema_registry_config.as_ref(), violations);
    }
    if let Some(config) = &request.self_managed_kafka_event_source_config {
        let at = member(
            "SelfManagedKafkaEventSourceConfig",
            "selfManagedKafkaEventSourceConfig",
        );
        consumer_group(at, config.consumer_group_id.as_deref(), violations);
        let mode = "selfManagedKafkaEventSourceConfig.consumptionMode";
        violations.one_of(
            member(at.field, mode),
            config.consumption_mode.as_deref(),
            ConsumptionMode::NAMES,
        );
        schema_registry(at, config.schema_registry_config.as_ref(), violations);
    }
}

const fn member<'a>(field: &'static str, path: &'a str) -> Member<'a> {
    Member { field, path }
}

fn filters(request: &CreateEventSourceMapping, violations: &mut Violations) {
    let filters = request
        .filter_criteria
        .iter()
        .filter_map(|criteria| criteria.filters.as_ref());
    for (index, filter) in filters.flatten().enumerate() {
        let path = format!("filterCriteria.filters.{}.member.pattern", index + 1);
        violations.length(
            member("FilterCriteria", &path),
            filter.pattern.as_deref(),
            0..=4096,
        );
    }
}

fn destinations(request: &CreateEventSourceMapping, violations: &mut Violations) {
    let Some(config) = &request.destination_config else {
        return;
    };
    for (path, event) in [
        (
            "destinationConfig.onSuccess.destination",
            &config.on_success,
        ),
        (
            "destinationConfig.onFailure.destination",
            &config.on_failure,
        ),
    ] {
        let destination = event
            .as_ref()
            .and_then(|event| event.destination.as_deref());
        violations.length(member("DestinationConfig", path), destination, 0..=350);
        violations.pattern(member("DestinationConfig", path), destination, DESTINATION);
    }
}

fn pollers(request: &CreateEventSourceMapping, violations: &mut Violations) {
    if let Some(scaling) = &request.scaling_config {
        let path = "scalingConfig.maximumConcurrency";
        violations.range(
            member("ScalingConfig", path),
            scaling.maximum_concurrency,
            2..=1000,
        );
    }
    if let Some(pollers) = &request.provisioned_poller_config {
        let field = "ProvisionedPollerConfig";
        let minimum = member(field, "provisionedPollerConfig.minimumPollers");
        violations.range(minimum, pollers.minimum_pollers, 1..=200);
        let maximum = member(field, "provisionedPollerConfig.maximumPollers");
        violations.range(maximum, pollers.maximum_pollers, 1..=10_000);
        let group = member(field, "provisionedPollerConfig.pollerGroupName");
        violations.length(group, pollers.poller_group_name.as_deref(), 0..=128);
        violations.pattern(group, pollers.poller_group_name.as_deref(), POLLER_GROUP);
    }
}

fn accesses(request: &CreateEventSourceMapping, violations: &mut Violations) {
    let field = "SourceAccessConfigurations";
    let Some(accesses) = &request.source_access_configurations else {
        return;
    };
    let shown: Vec<_> = accesses.iter().map(ShownAccess).collect();
    violations.items(
        member(field, "sourceAccessConfigurations"),
        Some(&shown),
        0..=MOST_ACCESSES,
    );
    for (index, access) in accesses.iter().take(MOST_ACCESSES).enumerate() {
        let path = |name: &str| format!("sourceAccessConfigurations.{}.member.{name}", index + 1);
        let (kind, uri) = (path("type"), path("uRI"));
        violations.required(member(field, &kind), access.r#type.is_some());
        violations.one_of(
            member(field, &kind),
            access.r#type.as_deref(),
            AccessKind::NAMES,
        );
        violations.length(member(field, &uri), access.uri.as_deref(), 1..=200);
        violations.pattern(member(field, &uri), access.uri.as_deref(), URI);
    }
}

fn self_managed(request: &CreateEventSourceMapping, violations: &mut Violations) {
    let field = "SelfManagedEventSource";
    let source = request.self_managed_event_source.as_ref();
    let Some(endpoints) = source.and_then(|source| source.endpoints.as_ref()) else {
        return;
    };
    let keys: Vec<&String> = endpoints.keys().collect();
    violations.items(
        member(field, "selfManagedEventSource.endpoints"),
        Some(&keys),
        1..=MOST_ENDPOINTS,
    );
    for (key, servers) in endpoints.iter().take(MOST_ENDPOINTS) {
        let path = member(field, "selfManagedEventSource.endpoints.key");
        violations.one_of(path, Some(key), &["KAFKA_BOOTSTRAP_SERVERS"]);
        let path = format!("selfManagedEventSource.endpoints.{}.member", cut(key));
        violations.items(member(field, &path), Some(servers), 1..=MOST_SERVERS);
        for (index, server) in servers.iter().take(MOST_SERVERS).enumerate() {
            let path = format!("{path}.{}.member", index + 1);
            violations.length(member(field, &path), Some(server), 1..=300);
            violations.pattern(member(field, &path), Some(server), ENDPOINT);
        }
    }
}

fn documentdb(request: &CreateEventSourceMapping, violations: &mut Violations) {
    let field = "DocumentDBEventSourceConfig";
    let Some(config) = &request.document_db_event_source_config else {
        return;
    };
    let database = member(field, "documentDBEventSourceConfig.databaseName");
    violations.length(database, config.database_name.as_deref(), 1..=63);
    violations.pattern(database, config.database_name.as_deref(), DATABASE);
    let collection = member(field, "documentDBEventSourceConfig.collectionName");
    violations.length(collection, config.collection_name.as_deref(), 1..=57);
    violations.pattern(collection, config.collection_name.as_deref(), COLLECTION);
    let full = member(field, "documentDBEventSourceConfig.fullDocument");
    violations.one_of(full, config.full_document.as_deref(), FullDocument::NAMES);
}

fn observability(request: &CreateEventSourceMapping, violations: &mut Violations) {
    let metrics = request
        .metrics_config
        .as_ref()
        .and_then(|config| config.metrics.as_deref());
    let path = member("MetricsConfig", "metricsConfig.metrics");
    violations.items(path, metrics, 0..=3);
    violations.each_of(path, metrics, Metric::NAMES);
    let logging = request.logging_config.as_ref();
    let level = logging.and_then(|config| config.system_log_level.as_deref());
    violations.one_of(
        member("LoggingConfig", "loggingConfig.systemLogLevel"),
        level,
        LogLevel::NAMES,
    );
}

fn consumer_group(config: Member<'_>, group: Option<&str>, violations: &mut Violations) {
    let path = format!("{}.consumerGroupId", config.path);
    violations.length(member(config.field, &path), group, 1..=200);
    violations.pattern(member(config.field, &path), group, URI);
}

fn schema_registry(
    Member { field, path }: Member<'_>,
    config: Option<&SchemaRegistryConfig>,
    violations: &mut Violations,
) {
    let Some(config) = config else { return };
    let path = format!("{path}.schemaRegistryConfig");
    let uri = format!("{path}.schemaRegistryURI");
    violations.length(
        member(field, &uri),
        config.schema_registry_uri.as_deref(),
        1..=10_000,
    );
    violations.pattern(
        member(field, &uri),
        config.schema_registry_uri.as_deref(),
        REGISTRY,
    );
    let format = format!("{path}.eventRecordFormat");
    let legal = ["JSON", "SOURCE"];
    violations.one_of(
        member(field, &format),
        config.event_record_format.as_deref(),
        &legal,
    );
    for (index, access) in config.access_configs.iter().flatten().enumerate() {
        let path = |name: &str| format!("{path}.accessConfigs.{}.member.{name}", index + 1);
        let legal = [
            "BASIC_AUTH",
            "CLIENT_CERTIFICATE_TLS_AUTH",
            "SERVER_ROOT_CA_CERTIFICATE",
            "OAUTHBEARER_AUTH",
        ];
        violations.one_of(
            member(field, &path("type")),
            access.r#type.as_deref(),
            &legal,
        );
        let uri = path("uRI");
        violations.length(member(field, &uri), access.uri.as_deref(), 0..=10_000);
        violations.pattern(member(field, &uri), access.uri.as_deref(), ARN);
    }
    for (index, validation) in config
        .schema_validation_configs
        .iter()
        .flatten()
        .enumerate()
    {
        let path = format!(
            "{path}.schemaValidationConfigs.{}.member.attribute",
            index + 1
        );
        violations.one_of(
            member(field, &path),
            validation.attribute.as_deref(),
            &["KEY", "VALUE"],
        );
    }
}
