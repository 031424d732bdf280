//! Streams by their ARN.

use std::sync::Arc;

use async_trait::async_trait;
use aws_sdk_dynamodbstreams::Client;
use lambda_esm_core::fault::{SourceError, SourceErrorKind};
use lambda_esm_core::mapping::{Arn, Mapping, Source, SourceKind};
use lambda_esm_engine::ports::{SourceProvider, StreamSource};

use super::producer::DynamoDbProducer;
use super::stream::DynamoDbStream;
use super::table::Table;
use crate::client::Clients;
use crate::config::AwsConfig;

/// Finds DynamoDB streams by their ARN. One client and one pool of connections serve all streams of an
/// endpoint and region.
#[derive(Debug)]
pub struct DynamoDbProvider {
    config: AwsConfig,
    clients: Clients<Client>,
}

impl DynamoDbProvider {
    /// Returns a provider for the AWS that `config` describes. Does no I/O.
    #[must_use]
    pub fn new(config: AwsConfig) -> Self {
        Self {
            config,
            clients: Clients::default(),
        }
    }

    /// Returns the stream with this ARN. Whether it exists is told by [`list`](StreamSource::list).
    ///
    /// # Errors
    /// Fails if `arn` is not the ARN of a table's stream.
    pub async fn open(&self, arn: &str) -> Result<DynamoDbStream, SourceError> {
        let stream = stream_arn(arn)?;
        let endpoint = self.config.service_endpoint(&stream);
        let client = self.clients.get(&endpoint, Client::new);
        Ok(DynamoDbStream::new(client, stream, endpoint))
    }

    /// Returns what puts items into the table of the stream with this ARN.
    ///
    /// # Errors
    /// Fails if `arn` is not the ARN of a table's stream.
    pub fn producer(&self, arn: &str) -> Result<DynamoDbProducer, SourceError> {
        let stream = stream_arn(arn)?;
        let endpoint = self.config.service_endpoint(&stream);
        Table::of_stream(&stream, endpoint).map(DynamoDbProducer::new)
    }
}

fn stream_arn(arn: &str) -> Result<Arn, SourceError> {
    Arn::parse(arn)
        .filter(|arn| SourceKind::of(arn) == Some(SourceKind::DynamoDbStream))
        .ok_or_else(|| refused(arn))
}

#[async_trait]
impl SourceProvider for DynamoDbProvider {
    async fn stream(
        &self,
        mapping: &Mapping,
    ) -> Result<Option<Arc<dyn StreamSource>>, SourceError> {
        match &mapping.source {
            Source::DynamoDb(source) => {
                Ok(Some(Arc::new(self.open(source.stream_arn.as_str()).await?)))
            }
            _ => Ok(None),
        }
    }
}

fn refused(arn: &str) -> SourceError {
    SourceError::new(
        SourceErrorKind::Fatal,
        format!(
            "stream ARN `{arn}` must have the form \
             arn:aws:dynamodb:REGION:ACCOUNT:table/TABLE/stream/LABEL; the table's LatestStreamArn \
             tells it"
        ),
    )
}
