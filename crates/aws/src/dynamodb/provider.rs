//! Streams by their ARN.

use std::sync::Arc;

use async_trait::async_trait;
use aws_sdk_dynamodbstreams::Client;
use lambda_esm_core::fault::{SourceError, SourceErrorKind};
use lambda_esm_core::mapping::{Arn, Mapping, Source, SourceKind};
use lambda_esm_engine::ports::{SourceProvider, StreamSource};

use super::stream::DynamoDbStream;
use crate::client::Clients;
use crate::config::{AwsConfig, EndpointUrl};

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
        let endpoint = self.endpoint(arn);
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

    /// Returns what was configured for the stream, its table, DynamoDB or all of AWS. A table gets another
    /// stream whenever its stream is switched off and on, and stays where it is.
    fn endpoint(&self, arn: &str) -> Option<&EndpointUrl> {
        let endpoints = &self.config.endpoints;
        let table = arn.split_once("/stream/").map_or(arn, |(table, _)| table);
        let own = endpoints.arns.get(arn);
        own.or_else(|| endpoints.resolve_first(&SERVICES, Some(table)))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_endpoint_of_a_stream_is_its_own_or_its_tables_or_the_services() {
        let (table, other) = (
            "arn:aws:dynamodb:us-east-1:000000000000:table/t",
            "arn:aws:dynamodb:us-east-1:000000000000:table/other/stream/1",
        );
        let (first, second) = (format!("{table}/stream/1"), format!("{table}/stream/2"));
        let mut config = AwsConfig::default();
        let mut arn = |arn: &str, url: &str| {
            let url = url.parse().unwrap();
            config.endpoints.arns.insert(arn.to_owned(), url);
        };
        arn(table, "http://table");
        arn(&second, "http://stream");
        let service = "http://service".parse().unwrap();
        let services = &mut config.endpoints.services;
        services.insert("dynamodb".to_owned(), service);
        let provider = DynamoDbProvider::new(config);
        let endpoint = |arn: &str| provider.endpoint(arn).map(EndpointUrl::as_str);
        assert_eq!(endpoint(&first), Some("http://table"));
        assert_eq!(endpoint(&second), Some("http://stream"));
        assert_eq!(endpoint(other), Some("http://service"));
    }
}
