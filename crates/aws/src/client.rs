//! What all SDK clients are made with.

use std::collections::HashMap;
use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_config::stalled_stream_protection::StalledStreamProtectionConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_smithy_http_client::Builder;
use aws_smithy_http_client::tls::Provider;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use tokio::sync::Mutex;

use crate::config::EndpointUrl;
use crate::credentials::StandardChain;

/// How long a connection may take to open; just beyond the first retransmission of a lost packet.
const CONNECT: Duration = Duration::from_millis(3_100);
/// Idle connections kept for each host. A mapping uses at most 1,250 at a time.
const IDLE_CONNECTIONS: usize = 256;
const IDLE_TIME: Duration = Duration::from_secs(20);

/// The clients of one service: one, and one pool of connections, for each endpoint and region.
#[derive(Debug)]
pub(crate) struct Clients<C> {
    made: Mutex<HashMap<(Option<String>, String), C>>,
}

impl<C> Default for Clients<C> {
    fn default() -> Self {
        Self {
            made: Mutex::default(),
        }
    }
}

impl<C: Clone> Clients<C> {
    /// Returns the client for `base`, made with `make` at first; see [`configuration`].
    pub(crate) async fn get(
        &self,
        base: Option<String>,
        endpoint: Option<&EndpointUrl>,
        region: &str,
        make: impl FnOnce(&SdkConfig) -> C,
    ) -> C {
        let mut made = self.made.lock().await;
        let key = (base, region.to_owned());
        if let Some(client) = made.get(&key) {
            return client.clone();
        }
        let client = make(&configuration(key.0.as_deref(), endpoint, region).await);
        made.insert(key, client.clone());
        client
    }
}

/// Returns the settings of a client that sends its requests to `base`, the real AWS if `None`. `endpoint`
/// is what was configured, and decides about credentials and TLS.
pub(crate) async fn configuration(
    base: Option<&str>,
    endpoint: Option<&EndpointUrl>,
    region: &str,
) -> SdkConfig {
    let mut loader = aws_config::defaults(BehaviorVersion::latest())
        .region(Region::new(region.to_owned()))
        .credentials_provider(StandardChain::new(region, endpoint))
        .http_client(http_client(endpoint.is_none_or(EndpointUrl::is_tls)))
        // The driver retries, and it backs off by the rules of the mapping.
        .retry_config(RetryConfig::disabled())
        .timeout_config(TimeoutConfig::builder().connect_timeout(CONNECT).build())
        // Each call has a time limit of its own, which a stalled stream runs into.
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled());
    if let Some(base) = base {
        loader = loader.endpoint_url(base);
    }
    loader.load().await
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
