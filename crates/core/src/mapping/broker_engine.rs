//! What a broker of Amazon MQ has, by its engine.

use super::arn::MqEngine;
use super::error::ApiError;
use super::model::{Mapping, Source};

/// Checks an Amazon MQ mapping against the engine of its broker: virtual hosts are RabbitMQ's.
///
/// # Errors
/// `InvalidParameterValueException`.
pub fn check_broker_engine(mapping: &Mapping, engine: MqEngine) -> Result<(), ApiError> {
    match &mapping.source {
        Source::Mq(mq) if mq.virtual_host.is_some() && engine == MqEngine::ActiveMq => {
            Err(ApiError::unsupported("SourceAccessConfigurations")
                .hint("remove VIRTUAL_HOST: an ActiveMQ broker has none"))
        }
        _ => Ok(()),
    }
}
