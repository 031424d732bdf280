//! Queues by their ARN.

use std::sync::Arc;

use async_trait::async_trait;
use aws_sdk_sqs::Client;
use lambda_esm_core::fault::{SourceError, SourceErrorKind};
use lambda_esm_core::mapping::{Mapping, Source};
use lambda_esm_engine::ports::{QueueSource, SourceProvider};

use super::name::QueueName;
use super::queue::SqsQueue;
use crate::client::Clients;
use crate::config::{AwsConfig, EndpointUrl};

/// Finds SQS queues by their ARN. One client and one pool of connections serve all queues of an
/// endpoint and region.
#[derive(Debug)]
pub struct SqsProvider {
    config: AwsConfig,
    clients: Clients<Client>,
}

impl SqsProvider {
    /// Returns a provider for the AWS that `config` describes. Does no I/O.
    #[must_use]
    pub fn new(config: AwsConfig) -> Self {
        Self {
            config,
            clients: Clients::default(),
        }
    }

    /// Returns the queue with this ARN. Whether it exists is told by
    /// [`describe`](QueueSource::describe).
    ///
    /// # Errors
    /// Fails if `arn` is no queue ARN.
    pub async fn open(&self, arn: &str) -> Result<SqsQueue, SourceError> {
        let queue: QueueName = arn
            .parse()
            .map_err(|error| SourceError::new(SourceErrorKind::Fatal, format!("{error}")))?;
        let endpoint = self.config.endpoints.resolve("sqs", Some(arn));
        let place = endpoint.map_or_else(
            || format!("in {}", queue.arn().region()),
            |endpoint| format!("at {endpoint}"),
        );
        let url = endpoint.filter(|endpoint| is_queue_url(endpoint, &queue));
        let base = match url {
            Some(url) => Some(url.origin().to_owned()),
            None => endpoint.map(|endpoint| endpoint.as_str().to_owned()),
        };
        let client = self
            .clients
            .get(base, endpoint, queue.arn().region(), Client::new)
            .await;
        let url = url.map(|url| url.as_str().to_owned());
        Ok(SqsQueue::new(
            client,
            queue,
            &self.config.account_id,
            place,
            url,
        ))
    }
}

#[async_trait]
impl SourceProvider for SqsProvider {
    async fn queue(&self, mapping: &Mapping) -> Result<Option<Arc<dyn QueueSource>>, SourceError> {
        match &mapping.source {
            Source::Sqs(source) => Ok(Some(Arc::new(self.open(source.queue_arn.as_str()).await?))),
            _ => Ok(None),
        }
    }
}

/// Tells whether a configured endpoint is a queue URL: `…/ACCOUNT/NAME`.
fn is_queue_url(endpoint: &EndpointUrl, queue: &QueueName) -> bool {
    endpoint.path().rsplit('/').next() == Some(queue.name())
}
