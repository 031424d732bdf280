//! Streams by their ARN.

use std::sync::Arc;

use async_trait::async_trait;
use aws_sdk_dynamodbstreams::Client;
use lambda_esm_core::fault::{SourceError, SourceErrorKind};
use lambda_esm_core::mapping::{Arn, Mapping, Source, SourceKind};
use lambda_esm_engine::ports::{SourceProvider, StreamSource};

use super::stream::DynamoDbStream;
use crate::client::Clients;
use crate::config::AwsConfig;

/// The services whose endpoint is taken. On AWS the streams have one of their own; servers that stand in
/// for it answer for both on one.
const SERVICES: [&str; 2] = ["dynamodbstreams", "dynamodb"];

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
        let stream = Arn::parse(arn)
            .filter(|arn| SourceKind::of(arn) == Some(SourceKind::DynamoDbStream))
            .ok_or_else(|| refused(arn))?;
        let endpoint = self.config.endpoints.resolve_first(&SERVICES, Some(arn));
        let place = endpoint.map_or_else(
            || format!("in {}", stream.region()),
            |endpoint| format!("at {endpoint}"),
        );
        let base = endpoint.map(|endpoint| endpoint.as_str().to_owned());
        let client = self
            .clients
            .get(base, endpoint, stream.region(), Client::new)
            .await;
        Ok(DynamoDbStream::new(
            client,
            stream,
            place,
            endpoint.is_some(),
        ))
    }
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
