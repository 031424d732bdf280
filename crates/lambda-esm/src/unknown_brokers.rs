//! Brokers and clusters of which nobody says where they are.

use std::sync::Arc;

use async_trait::async_trait;
use lambda_esm_core::fault::{ReasonCode, SourceError, SourceErrorKind};
use lambda_esm_core::mapping::{Mapping, Source};
use lambda_esm_engine::ports::{PushQueueSource, SourceProvider, StreamSource};

/// Is asked last, and says what is to be added to the configuration.
pub(crate) struct UnknownBrokers;

fn unknown(mapping: &Mapping, examples: &str) -> SourceError {
    let arn = mapping.source.name();
    let text = format!("where {arn} is, is not known; add it to endpoints.arns: {examples}");
    SourceError::new(SourceErrorKind::Fatal, text).with_reason(ReasonCode::ConfigNotValid)
}

#[async_trait]
impl SourceProvider for UnknownBrokers {
    async fn push_queue(
        &self,
        mapping: &Mapping,
    ) -> Result<Option<Arc<dyn PushQueueSource>>, SourceError> {
        match &mapping.source {
            Source::Mq(_) => Err(unknown(
                mapping,
                "amqps://HOST for RabbitMQ, amqp+ssl://HOST for ActiveMQ",
            )),
            _ => Ok(None),
        }
    }

    async fn stream(
        &self,
        mapping: &Mapping,
    ) -> Result<Option<Arc<dyn StreamSource>>, SourceError> {
        match &mapping.source {
            Source::DocumentDb(_) => Err(unknown(mapping, "mongodb://HOST")),
            _ => Ok(None),
        }
    }
}
