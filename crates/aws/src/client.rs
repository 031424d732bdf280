//! What all SDK clients are made with.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use aws_config::identity::IdentityCache;
use aws_config::retry::RetryConfig;
use aws_config::stalled_stream_protection::StalledStreamProtectionConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_async::rt::sleep::{SharedAsyncSleep, TokioSleep};
use aws_smithy_async::time::SharedTimeSource;
use aws_smithy_http_client::Connector;
use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::tls::Provider;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_runtime_api::client::http::{
    HttpConnectorSettings, SharedHttpClient, SharedHttpConnector, http_client_fn,
};

use crate::credentials::{SEARCH, StandardChain};
use crate::response_limit::bounded;
use crate::service_endpoint::ServiceEndpoint;

/// How long a connection may take to open; just beyond the first retransmission of a lost packet.
const CONNECT: Duration = Duration::from_millis(3_100);
/// Idle connections kept for each host. A mapping uses at most 1,250 at a time.
const IDLE_CONNECTIONS: usize = 256;
const IDLE_TIME: Duration = Duration::from_secs(20);

/// The clients of one service: one, and one pool of connections, for each endpoint and region.
#[derive(Debug)]
pub(crate) struct Clients<C> {
    made: Mutex<HashMap<ServiceEndpoint, C>>,
}

impl<C> Default for Clients<C> {
    fn default() -> Self {
        Self {
            made: Mutex::default(),
        }
    }
}

impl<C: Clone> Clients<C> {
    /// Returns the client for `endpoint`, made with `make` at first; see [`configuration`].
    pub(crate) fn get(&self, endpoint: &ServiceEndpoint, make: impl FnOnce(&SdkConfig) -> C) -> C {
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        let new = || make(&configuration(endpoint));
        made.entry(endpoint.clone()).or_insert_with(new).clone()
    }
}

/// Returns the settings of a client that sends its requests to `endpoint`. The SDK adds nothing from the
/// environment or the profile, so that all clients agree where a service is.
pub(crate) fn configuration(endpoint: &ServiceEndpoint) -> SdkConfig {
    let mut settings = SdkConfig::builder();
    match &endpoint.url {
        Some(endpoint) => settings.set_endpoint_url(Some(endpoint.to_string())),
        None => settings
            .set_use_fips(Some(endpoint.variant.fips))
            .set_use_dual_stack(Some(endpoint.variant.dual_stack)),
    };
    settings
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(endpoint.region.clone()))
        .credentials_provider(SharedCredentialsProvider::new(StandardChain::new(endpoint)))
        // The search has a time limit of its own.
        .identity_cache(IdentityCache::lazy().load_timeout(2 * SEARCH).build())
        .http_client(http_client(endpoint))
        .sleep_impl(SharedAsyncSleep::new(TokioSleep::new()))
        .time_source(SharedTimeSource::default())
        // The driver retries, and it backs off by the rules of the mapping.
        .retry_config(RetryConfig::disabled())
        .timeout_config(TimeoutConfig::builder().connect_timeout(CONNECT).build())
        // Each call has a time limit of its own, which a stalled stream runs into.
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
        .build()
}

/// Returns a client without TLS where none is needed, which spares reading the machine's certificates. Proxies
/// are those of the environment; what stays on this machine needs none.
fn http_client(endpoint: &ServiceEndpoint) -> SharedHttpClient {
    let proxies = if endpoint.is_loopback() {
        ProxyConfig::disabled()
    } else {
        ProxyConfig::from_env()
    };
    let connector = Connector::builder()
        .connector_settings(
            HttpConnectorSettings::builder()
                .connect_timeout(CONNECT)
                .build(),
        )
        .sleep_impl(TokioSleep::new())
        .proxy_config(proxies)
        .pool_idle_timeout(IDLE_TIME)
        .pool_max_idle_per_host(IDLE_CONNECTIONS);
    let connector = if endpoint.is_tls() {
        connector
            .tls_provider(Provider::Rustls(CryptoMode::AwsLc))
            .build()
    } else {
        connector.build_http()
    };
    let connector = SharedHttpConnector::new(connector);
    bounded(http_client_fn(move |_, _| connector.clone()))
}
