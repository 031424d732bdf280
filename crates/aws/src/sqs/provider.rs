//! Queues by their ARN.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use aws_config::stalled_stream_protection::StalledStreamProtectionConfig;
use aws_config::{BehaviorVersion, Region};
use aws_sdk_sqs::Client;
use aws_sdk_sqs::config::SharedHttpClient;
use aws_sdk_sqs::config::retry::RetryConfig;
use aws_sdk_sqs::config::timeout::TimeoutConfig;
use aws_smithy_http_client::Builder;
use aws_smithy_http_client::tls::Provider;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use lambda_esm_core::fault::{SourceError, SourceErrorKind};
use lambda_esm_core::mapping::{Mapping, Source};
use lambda_esm_engine::ports::{QueueSource, SourceProvider};
use tokio::sync::Mutex;

use super::name::QueueName;
use super::queue::SqsQueue;
use crate::config::{AwsConfig, EndpointUrl};
use crate::credentials::StandardChain;

/// How long a connection may take to open; just beyond the first retransmission of a lost packet.
const CONNECT: Duration = Duration::from_millis(3_100);
/// Idle connections kept for each host. A mapping uses at most 1,250 at a time.
const IDLE_CONNECTIONS: usize = 256;
const IDLE_TIME: Duration = Duration::from_secs(20);

/// Finds SQS queues by their ARN. One client and one pool of connections serve all queues of an
/// endpoint and region.
#[derive(Debug)]
pub struct SqsProvider {
    config: AwsConfig,
    clients: Mutex<HashMap<(Option<String>, String), Client>>,
}

impl SqsProvider {
    /// Returns a provider for the AWS that `config` describes. Does no I/O.
    #[must_use]
    pub fn new(config: AwsConfig) -> Self {
        Self {
            config,
            clients: Mutex::default(),
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
        let client = self.client(base, endpoint, queue.arn().region()).await;
        let url = url.map(|url| url.as_str().to_owned());
        Ok(SqsQueue::new(
            client,
            queue,
            &self.config.account_id,
            place,
            url,
        ))
    }

    async fn client(
        &self,
        base: Option<String>,
        endpoint: Option<&EndpointUrl>,
        region: &str,
    ) -> Client {
        let mut clients = self.clients.lock().await;
        let key = (base, region.to_owned());
        if let Some(client) = clients.get(&key) {
            return client.clone();
        }
        let mut loader = aws_config::defaults(BehaviorVersion::latest())
            .region(Region::new(region.to_owned()))
            .credentials_provider(StandardChain::new(region, endpoint))
            .http_client(http_client(endpoint.is_none_or(EndpointUrl::is_tls)))
            // The driver retries, and it backs off by the rules of the mapping.
            .retry_config(RetryConfig::disabled())
            .timeout_config(TimeoutConfig::builder().connect_timeout(CONNECT).build())
            // Each call has a time limit of its own, which a stalled stream runs into.
            .stalled_stream_protection(StalledStreamProtectionConfig::disabled());
        if let Some(base) = &key.0 {
            loader = loader.endpoint_url(base);
        }
        let client = Client::new(&loader.load().await);
        clients.insert(key, client.clone());
        client
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

/// Returns a client without TLS where none is needed, which spares reading the machine's certificates.
fn http_client(tls: bool) -> SharedHttpClient {
    let builder = Builder::new()
        .pool_idle_timeout(IDLE_TIME)
        .pool_max_idle_per_host(IDLE_CONNECTIONS);
    if tls {
        builder
            .tls_provider(Provider::Rustls(CryptoMode::AwsLc))
            .build_https()
    } else {
        builder.build_http()
    }
}
