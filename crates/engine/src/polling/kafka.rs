//! What mappings of Kafka have in common, whether a consumer group or a share group reads the topic.

use std::future::Future;
use std::sync::Arc;

use lambda_esm_core::fault::{SourceError, SourceErrorKind};
use lambda_esm_core::mapping::{
    Access, KafkaDestination, KafkaMapping, Mapping, SchemaRegistryConfig, Source,
};

use crate::lookup::LookupError;
use crate::ports::FailureDestination;
use crate::shared::Shared;

type Destination = Arc<dyn FailureDestination>;

/// Returns what a mapping says of its topic.
pub(super) fn source_of(mapping: &Mapping) -> Result<&KafkaMapping, SourceError> {
    match &mapping.source {
        Source::Kafka(kafka) => Ok(kafka),
        _ => {
            let text = "a topic of Kafka was found for a mapping of another kind of source";
            Err(SourceError::new(SourceErrorKind::Fatal, text))
        }
    }
}

/// Returns the on-failure destination; `None` if the mapping has none. A topic is of the same cluster, which finds it.
pub(super) async fn destination<F>(
    shared: &Shared,
    mapping: &Mapping,
    topic: impl FnOnce(String) -> F + Send,
) -> Result<Option<Destination>, LookupError>
where
    F: Future<Output = Result<Destination, SourceError>> + Send,
{
    match source_of(mapping)?.on_failure() {
        None => Ok(None),
        Some(KafkaDestination::Topic(name)) => Ok(Some(topic(name).await?)),
        Some(_) => shared.destination(mapping).await,
    }
}

/// What a driver cannot change under way.
#[derive(PartialEq)]
pub(super) struct Fixed {
    on_failure: Option<KafkaDestination>,
    access: Vec<Access>,
    schema_registry: Option<SchemaRegistryConfig>,
}

impl Fixed {
    pub(super) fn of(kafka: &KafkaMapping) -> Self {
        Self {
            on_failure: kafka.on_failure(),
            access: kafka.access.clone(),
            schema_registry: kafka.schema_registry().cloned(),
        }
    }
}
