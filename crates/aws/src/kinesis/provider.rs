//! Streams and consumers by their ARN.

use std::sync::Arc;

use async_trait::async_trait;
use aws_sdk_kinesis::Client;
use lambda_esm_core::fault::{SourceError, SourceErrorKind};
use lambda_esm_core::mapping::{Mapping, Source};
use lambda_esm_engine::ports::{SourceProvider, StreamSource};

use super::consumer::KinesisConsumer;
use super::name::KinesisName;
use super::stream::KinesisStream;
use crate::client::{Clients, configuration};
use crate::config::{AwsConfig, EndpointUrl};

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
        let name: KinesisName = arn
            .parse()
            .map_err(|error| SourceError::new(SourceErrorKind::Fatal, format!("{error}")))?;
        let endpoint = self.endpoint(&name);
        let region = name.arn().region().to_owned();
        let place = endpoint.map_or_else(
            || format!("in {region}"),
            |endpoint| format!("at {endpoint}"),
        );
        let base = endpoint.map(|endpoint| endpoint.as_str().to_owned());
        if name.is_consumer() {
            let client = Client::new(&configuration(base.as_deref(), endpoint, &region).await);
            let stream = KinesisStream::new(client, name, place);
            return Ok(Arc::new(KinesisConsumer::new(stream)));
        }
        let client = self.clients.get(base, endpoint, &region, Client::new).await;
        Ok(Arc::new(KinesisStream::new(client, name, place)))
    }

    /// Returns what was configured for the consumer, its stream, Kinesis or all of AWS.
    fn endpoint(&self, name: &KinesisName) -> Option<&EndpointUrl> {
        let endpoints = &self.config.endpoints;
        let own = endpoints.arns.get(name.arn().as_str());
        own.or_else(|| endpoints.resolve("kinesis", Some(name.stream_arn())))
    }
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
