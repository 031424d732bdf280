//! Updates: what is absent keeps its value, and the result must be as legal as if it were new.

use super::build::{Identity, build, group_config};
use super::error::ApiError;
use super::function::FunctionRef;
use super::kafka::KafkaMapping;
use super::model::{Context, Mapping, Source};
use super::request::{CreateEventSourceMapping, UpdateEventSourceMapping};
use super::structures::{
    AmazonManagedKafkaEventSourceConfig, DocumentDbEventSourceConfig, ProvisionedPollerConfig,
    SchemaRegistryConfig, SelfManagedKafkaEventSourceConfig, SourceAccessConfiguration,
};
use super::uncompiled::UncompiledMapping;
use super::validate::row::Subject;
use super::validate::{members, table, values};
use super::wire::{AccessKind, ConsumptionMode};
use crate::excerpt::cut;

const CREATE_ONLY: &str = "it can be set at creation only; delete the mapping and create it anew";

impl Mapping {
    /// Makes the mapping that this one becomes by an update.
    ///
    /// A member that is absent keeps its value; one that is given replaces it. An empty structure
    /// removes what it stands for: `ScalingConfig`, `FilterCriteria`, `DestinationConfig`,
    /// `MetricsConfig`, `LoggingConfig`, `SchemaRegistryConfig`, and `ProvisionedPollerConfig`,
    /// which goes back to on-demand mode. An empty text removes a destination, a poller group or a
    /// key. Inside `ProvisionedPollerConfig` and `DocumentDBEventSourceConfig`, members that are
    /// absent keep their values too. The default window of 500 ms cannot be had back (Lambda API
    /// reference).
    ///
    /// # Errors
    /// As [`Mapping::create`], for the mapping as it would become; and for what cannot change: the
    /// consumer group, the consumption mode and the virtual host.
    pub fn update(
        &self,
        update: UpdateEventSourceMapping,
        context: &Context,
    ) -> Result<Self, ApiError> {
        self.revised(update, context)?.compile()
    }

    /// Makes the mapping that this one becomes by an update, all but new filters.
    ///
    /// # Errors
    /// As [`update`](Self::update), but for the filters.
    pub fn revised(
        &self,
        update: UpdateEventSourceMapping,
        context: &Context,
    ) -> Result<UncompiledMapping, ApiError> {
        let update = partial_create(update);
        members::check(&update, false)?;
        self.check_unchangeable(&update)?;
        let function = match update.function_name.as_deref().and_then(FunctionRef::parse) {
            Some(function) => function.resolved(&context.region, &context.account_id),
            None => self.function.clone(),
        };
        let same_filters = update.filter_criteria.is_none();
        let same_state = update.enabled.is_none();
        let request = overlay(self.to_request(), update);
        values::destinations(&request)?;
        let kind = self.source.kind();
        table::check(Subject {
            kind,
            request: &request,
            now: None,
        })?;
        let identity = Identity {
            uuid: self.uuid,
            function,
            created: self.created,
        };
        let mut draft = build(request, kind, identity, context)?;
        if same_filters {
            draft.criteria = None;
            draft.mapping.filters = self.filters.clone();
        }
        if same_state {
            let because = self.disabled_because.clone();
            draft.mapping.disabled_because = because;
        }
        Ok(draft)
    }

    fn check_unchangeable(&self, update: &CreateEventSourceMapping) -> Result<(), ApiError> {
        if let Source::Kafka(kafka) = &self.source {
            same_group(kafka, update)?;
        }
        let mut accesses = update.source_access_configurations.iter().flatten();
        let host = Some(AccessKind::VirtualHost.as_str());
        if matches!(self.source, Source::Mq(_)) && accesses.any(|a| a.r#type.as_deref() == host) {
            return Err(ApiError::unsupported("SourceAccessConfigurations")
                .hint(format!("remove VIRTUAL_HOST: {CREATE_ONLY}")));
        }
        Ok(())
    }
}

/// The group of a Kafka mapping, and whether it is a consumer group or a share group, may be given again but not
/// changed.
fn same_group(kafka: &KafkaMapping, update: &CreateEventSourceMapping) -> Result<(), ApiError> {
    let config = group_config(&kafka.cluster, update);
    let (new, group) = (config.consumer_group_id, &kafka.consumer_group_id);
    if new.is_some_and(|new| new != *group) {
        let hint = format!("the group is {}: {CREATE_ONLY}", cut(group));
        return Err(ApiError::unsupported("ConsumerGroupId").hint(hint));
    }
    let mode = kafka
        .consumption
        .unwrap_or(ConsumptionMode::Stream)
        .as_str();
    if config.consumption_mode.is_some_and(|new| new != mode) {
        let hint = format!("the mode is {mode}: {CREATE_ONLY}");
        return Err(ApiError::unsupported("ConsumptionMode").hint(hint));
    }
    Ok(())
}

/// Writes an update as a request that lacks most members.
fn partial_create(update: UpdateEventSourceMapping) -> CreateEventSourceMapping {
    let UpdateEventSourceMapping {
        uuid: _,
        function_name,
        enabled,
        batch_size,
        filter_criteria,
        kms_key_arn,
        metrics_config,
        logging_config,
        scaling_config,
        maximum_batching_window_in_seconds,
        parallelization_factor,
        destination_config,
        maximum_record_age_in_seconds,
        bisect_batch_on_function_error,
        maximum_retry_attempts,
        tumbling_window_in_seconds,
        source_access_configurations,
        function_response_types,
        amazon_managed_kafka_event_source_config,
        self_managed_kafka_event_source_config,
        document_db_event_source_config,
        provisioned_poller_config,
    } = update;
    CreateEventSourceMapping {
        function_name,
        enabled,
        batch_size,
        filter_criteria,
        kms_key_arn,
        metrics_config,
        logging_config,
        scaling_config,
        maximum_batching_window_in_seconds,
        parallelization_factor,
        destination_config,
        maximum_record_age_in_seconds,
        bisect_batch_on_function_error,
        maximum_retry_attempts,
        tumbling_window_in_seconds,
        source_access_configurations,
        function_response_types,
        amazon_managed_kafka_event_source_config,
        self_managed_kafka_event_source_config,
        document_db_event_source_config,
        provisioned_poller_config,
        event_source_arn: None,
        starting_position: None,
        starting_position_timestamp: None,
        topics: None,
        queues: None,
        self_managed_event_source: None,
        tags: None,
    }
}

/// Lays an update over what is there.
fn overlay(
    old: CreateEventSourceMapping,
    new: CreateEventSourceMapping,
) -> CreateEventSourceMapping {
    CreateEventSourceMapping {
        function_name: new.function_name.or(old.function_name),
        enabled: new.enabled.or(old.enabled),
        batch_size: new.batch_size.or(old.batch_size),
        filter_criteria: new.filter_criteria.or(old.filter_criteria),
        kms_key_arn: new.kms_key_arn.or(old.kms_key_arn),
        metrics_config: new.metrics_config.or(old.metrics_config),
        logging_config: new.logging_config.or(old.logging_config),
        scaling_config: new.scaling_config.or(old.scaling_config),
        maximum_batching_window_in_seconds: new
            .maximum_batching_window_in_seconds
            .or(old.maximum_batching_window_in_seconds),
        parallelization_factor: new.parallelization_factor.or(old.parallelization_factor),
        destination_config: new.destination_config.or(old.destination_config),
        maximum_record_age_in_seconds: new
            .maximum_record_age_in_seconds
            .or(old.maximum_record_age_in_seconds),
        bisect_batch_on_function_error: new
            .bisect_batch_on_function_error
            .or(old.bisect_batch_on_function_error),
        maximum_retry_attempts: new.maximum_retry_attempts.or(old.maximum_retry_attempts),
        tumbling_window_in_seconds: new
            .tumbling_window_in_seconds
            .or(old.tumbling_window_in_seconds),
        function_response_types: new.function_response_types.or(old.function_response_types),
        provisioned_poller_config: merge(
            old.provisioned_poller_config,
            new.provisioned_poller_config,
            merge_pollers,
        ),
        source_access_configurations: merge(
            old.source_access_configurations,
            new.source_access_configurations,
            keep_virtual_host,
        ),
        amazon_managed_kafka_event_source_config: merge(
            old.amazon_managed_kafka_event_source_config,
            new.amazon_managed_kafka_event_source_config,
            merge_msk,
        ),
        self_managed_kafka_event_source_config: merge(
            old.self_managed_kafka_event_source_config,
            new.self_managed_kafka_event_source_config,
            merge_self_managed,
        ),
        document_db_event_source_config: merge(
            old.document_db_event_source_config,
            new.document_db_event_source_config,
            merge_documentdb,
        ),
        event_source_arn: old.event_source_arn,
        starting_position: old.starting_position,
        starting_position_timestamp: old.starting_position_timestamp,
        topics: old.topics,
        queues: old.queues,
        self_managed_event_source: old.self_managed_event_source,
        tags: old.tags,
    }
}

fn merge<T>(old: Option<T>, new: Option<T>, both: impl FnOnce(T, T) -> T) -> Option<T> {
    match (old, new) {
        (Some(old), Some(new)) => Some(both(old, new)),
        (old, new) => new.or(old),
    }
}

fn merge_pollers(
    old: ProvisionedPollerConfig,
    new: ProvisionedPollerConfig,
) -> ProvisionedPollerConfig {
    if new == ProvisionedPollerConfig::default() {
        return new;
    }
    ProvisionedPollerConfig {
        minimum_pollers: new.minimum_pollers.or(old.minimum_pollers),
        maximum_pollers: new.maximum_pollers.or(old.maximum_pollers),
        poller_group_name: new.poller_group_name.or(old.poller_group_name),
    }
}

/// An update cannot give the virtual host, so the one there stays.
fn keep_virtual_host(
    old: Vec<SourceAccessConfiguration>,
    new: Vec<SourceAccessConfiguration>,
) -> Vec<SourceAccessConfiguration> {
    let is_host = |access: &SourceAccessConfiguration| {
        access.r#type.as_deref() == Some(AccessKind::VirtualHost.as_str())
    };
    new.into_iter()
        .chain(old.into_iter().filter(is_host))
        .collect()
}

fn merge_msk(
    old: AmazonManagedKafkaEventSourceConfig,
    new: AmazonManagedKafkaEventSourceConfig,
) -> AmazonManagedKafkaEventSourceConfig {
    AmazonManagedKafkaEventSourceConfig {
        consumer_group_id: new.consumer_group_id.or(old.consumer_group_id),
        schema_registry_config: merge_registry(
            old.schema_registry_config,
            new.schema_registry_config,
        ),
    }
}

fn merge_self_managed(
    old: SelfManagedKafkaEventSourceConfig,
    new: SelfManagedKafkaEventSourceConfig,
) -> SelfManagedKafkaEventSourceConfig {
    SelfManagedKafkaEventSourceConfig {
        consumer_group_id: new.consumer_group_id.or(old.consumer_group_id),
        consumption_mode: new.consumption_mode.or(old.consumption_mode),
        schema_registry_config: merge_registry(
            old.schema_registry_config,
            new.schema_registry_config,
        ),
    }
}

fn merge_registry(
    old: Option<SchemaRegistryConfig>,
    new: Option<SchemaRegistryConfig>,
) -> Option<SchemaRegistryConfig> {
    new.or(old)
        .filter(|registry| *registry != SchemaRegistryConfig::default())
}

fn merge_documentdb(
    old: DocumentDbEventSourceConfig,
    new: DocumentDbEventSourceConfig,
) -> DocumentDbEventSourceConfig {
    DocumentDbEventSourceConfig {
        database_name: new.database_name.or(old.database_name),
        collection_name: new.collection_name.or(old.collection_name),
        full_document: new.full_document.or(old.full_document),
    }
}
