//! Streams and consumers by their ARN.

use std::sync::Arc;

use async_trait::async_trait;
use aws_sdk_kinesis::Client;
use lambda_esm_core::fault::{SourceError, SourceErrorKind};
use lambda_esm_core::mapping::{Mapping, Source};
use lambda_esm_engine::ports::{SourceProvider, StreamSource};

use super::consumer::KinesisConsumer;
use super::name::KinesisName;
use super::producer::KinesisProducer;
use super::stream::KinesisStream;
use crate::client::{Clients, configuration};
use crate::config::AwsConfig;

/// Finds Kinesis streams and consumers by their ARN. One client and one pool of connections serve all
/// streams of an endpoint and region; each consumer has its own, for what is pushed to one and not yet
/// read would stand in the way of the others.
#[derive(Debug)]
pub struct KinesisProvider {
    config: AwsConfig,
    clients: Clients<Client>,
}

impl KinesisProvider {
    /// Returns a provider for the AWS that `config` describes. Does no I/O.
    #[must_use]
    pub fn new(config: AwsConfig) -> Self {
        Self {
            config,
            clients: Clients::default(),
        }
    }

    /// Returns the stream or consumer with this ARN. Whether it exists is told by its calls.
    ///
    /// # Errors
    /// Fails if `arn` names neither.
    pub async fn open(&self, arn: &str) -> Result<Arc<dyn StreamSource>, SourceError> {
        let name = name(arn)?;
        let endpoint = self.config.service_endpoint(name.arn());
        if name.is_consumer() {
            let client = Client::new(&configuration(&endpoint));
            let stream = KinesisStream::new(client, name, endpoint);
            return Ok(Arc::new(KinesisConsumer::new(stream)));
        }
        let client = self.clients.get(&endpoint, Client::new);
        Ok(Arc::new(KinesisStream::new(client, name, endpoint)))
    }

    /// Returns what puts records into the stream with this ARN, or into that of the consumer.
    ///
    /// # Errors
    /// Fails if `arn` names neither.
    pub fn producer(&self, arn: &str) -> Result<KinesisProducer, SourceError> {
        let name = name(arn)?;
        let endpoint = self.config.service_endpoint(name.arn());
        let client = self.clients.get(&endpoint, Client::new);
        let stream = KinesisStream::new(client, name, endpoint);
        Ok(KinesisProducer::new(stream))
    }
}

fn name(arn: &str) -> Result<KinesisName, SourceError> {
    arn.parse()
        .map_err(|error| SourceError::new(SourceErrorKind::Fatal, format!("{error}")))
}

#[async_trait]
impl SourceProvider for KinesisProvider {
    async fn stream(
        &self,
        mapping: &Mapping,
    ) -> Result<Option<Arc<dyn StreamSource>>, SourceError> {
        match &mapping.source {
            Source::Kinesis(source) => Ok(Some(self.open(source.stream_arn.as_str()).await?)),
            _ => Ok(None),
        }
    }
}
