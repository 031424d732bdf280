//! Updates: what is absent keeps its value, and the result must be as legal as if it were new.

use super::build::{Identity, build};
use super::error::ApiError;
use super::function::FunctionRef;
use super::model::{Context, Mapping, Source};
use super::request::{CreateEventSourceMapping, UpdateEventSourceMapping};
use super::structures::{
    DocumentDbEventSourceConfig, KafkaEventSourceConfig, ProvisionedPollerConfig,
    SchemaRegistryConfig, SourceAccessConfiguration,
};
use super::uncompiled::UncompiledMapping;
use super::validate::row::Subject;
use super::validate::{members, table, values};
use super::wire::AccessKind;

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
    /// consumer group and the virtual host.
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
        Ok(draft)
    }

    fn check_unchangeable(&self, update: &CreateEventSourceMapping) -> Result<(), ApiError> {
        let create_only = "it can be set at creation only; delete the mapping and create it anew";
        let group = match &self.source {
            Source::Kafka(kafka) => Some(kafka.consumer_group_id.as_str()),
            _ => None,
        };
        let configs = [
            &update.amazon_managed_kafka_event_source_config,
            &update.self_managed_kafka_event_source_config,
        ];
        let mut groups = configs
            .into_iter()
            .flatten()
            .filter_map(|c| c.consumer_group_id.as_deref());
        if group.is_some() && groups.any(|new| Some(new) != group) {
            return Err(ApiError::unsupported("ConsumerGroupId").hint(create_only));
        }
        let mut accesses = update.source_access_configurations.iter().flatten();
        let host = Some(AccessKind::VirtualHost.as_str());
        if matches!(self.source, Source::Mq(_)) && accesses.any(|a| a.r#type.as_deref() == host) {
            return Err(ApiError::unsupported("SourceAccessConfigurations")
                .hint(format!("remove VIRTUAL_HOST: {create_only}")));
        }
        Ok(())
    }
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
            merge_kafka,
        ),
        self_managed_kafka_event_source_config: merge(
            old.self_managed_kafka_event_source_config,
            new.self_managed_kafka_event_source_config,
            merge_kafka,
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

fn merge_kafka(old: KafkaEventSourceConfig, new: KafkaEventSourceConfig) -> KafkaEventSourceConfig {
    let registry = new.schema_registry_config.or(old.schema_registry_config);
    KafkaEventSourceConfig {
        consumer_group_id: new.consumer_group_id.or(old.consumer_group_id),
        schema_registry_config: registry.filter(|new| *new != SchemaRegistryConfig::default()),
    }
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
