//! Queues by their ARN.

use std::sync::Arc;

use async_trait::async_trait;
use aws_sdk_sqs::Client;
use lambda_esm_core::fault::SourceError;
use lambda_esm_core::mapping::{Mapping, Source};
use lambda_esm_engine::ports::{QueueSource, SourceProvider};

use super::address::QueueAddress;
use super::failure::SQS;
use super::producer::SqsProducer;
use super::queue::SqsQueue;
use crate::client::Clients;
use crate::config::AwsConfig;

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
        self.find(arn).await.map(SqsQueue::new)
    }

    /// Returns what sends messages to the queue with this ARN.
    ///
    /// # Errors
    /// Fails if `arn` is no queue ARN.
    pub async fn producer(&self, arn: &str) -> Result<SqsProducer, SourceError> {
        self.find(arn).await.map(SqsProducer::new)
    }

    async fn find(&self, arn: &str) -> Result<QueueAddress, SourceError> {
        QueueAddress::find(&self.config, &self.clients, arn, &SQS).await
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
