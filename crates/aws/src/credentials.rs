//! Whose name requests are made in: the standard chain on AWS, and nobody's where something stands in for it.

use std::time::Duration;

use aws_config::default_provider::credentials::DefaultCredentialsChain;
use aws_config::environment::EnvironmentVariableCredentialsProvider;
use aws_config::provider_config::ProviderConfig;
use aws_config::{BehaviorVersion, Region};
use aws_credential_types::Credentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{self, ProvideCredentials, future};
use aws_smithy_async::time::SharedTimeSource;
use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::tls::Provider;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::{Builder, Connector};
use aws_smithy_runtime_api::client::http::SharedHttpClient;

use crate::environment::profiles;
use crate::response_limit::bounded;
use crate::service_endpoint::ServiceEndpoint;
use crate::text::first_line;

/// How long a search for credentials may take: a process, a sign-on, a role. Requests wait a little longer, so that
/// it is told what they waited for.
pub(crate) const SEARCH: Duration = Duration::from_secs(8);

/// How long credentials that never expire are used before they are looked up again, so that new ones
/// in a profile file are found without a restart.
const FRESH: Duration = Duration::from_secs(60);

/// Finds the credentials for requests to one endpoint, anew each time it is asked; callers cache them until they
/// expire.
///
/// On AWS the order is that of every AWS SDK: environment variables, the profile with all that it may name
/// (keys, SSO, `aws login`, `credential_process`, roles), web identity, container and instance metadata.
///
/// What stands in for AWS takes any keys, so nobody is asked for them: those of the environment or the keys
/// in the profile if both are there, else `test`/`test`, which AWS does not know.
#[derive(Debug)]
pub(crate) struct StandardChain {
    region: Region,
    is_aws: bool,
    client: SharedHttpClient,
    clock: SharedTimeSource,
}

impl StandardChain {
    /// Returns the chain for `endpoint`.
    pub(crate) fn new(endpoint: &ServiceEndpoint) -> Self {
        Self::in_region(&endpoint.region, endpoint.is_aws())
    }

    /// Returns the chain for AWS in a region, or for what stands in for it.
    pub(crate) fn in_region(region: &str, is_aws: bool) -> Self {
        Self {
            region: Region::new(region.to_owned()),
            is_aws,
            client: http_client(),
            clock: SharedTimeSource::default(),
        }
    }

    async fn find(&self) -> provider::Result {
        // Chains remember what they read; only a new one reads again.
        let mut found = if self.is_aws {
            let config = ProviderConfig::without_region()
                .with_behavior_version(Some(BehaviorVersion::latest()))
                .with_http_client(self.client.clone());
            let chain = DefaultCredentialsChain::builder().configure(config);
            let chain = chain.region(self.region.clone()).build().await;
            let search = tokio::time::timeout(SEARCH, chain.provide_credentials());
            let found = search.await;
            found.unwrap_or_else(|_| Err(CredentialsError::provider_timed_out(SEARCH)))?
        } else {
            anybody().await
        };
        found
            .expiry_mut()
            .get_or_insert_with(|| self.clock.now() + FRESH);
        Ok(found)
    }
}

/// Returns the client that asks for credentials: the SDK's own one, but that it does not read whatever is sent.
/// Makes nothing before it is used.
fn http_client() -> SharedHttpClient {
    bounded(
        Builder::new().build_with_connector_fn(|settings, components| {
            let mut connector = Connector::builder()
                .tls_provider(Provider::Rustls(CryptoMode::AwsLc))
                .proxy_config(ProxyConfig::from_env());
            connector.set_connector_settings(settings.cloned());
            connector.set_sleep_impl(components.and_then(|components| components.sleep_impl()));
            connector.build()
        }),
    )
}

/// Returns what to do about credentials that are missing or refused, by AWS or by what stands in for it; ends
/// error messages.
pub(crate) const fn way_out(is_aws: bool) -> &'static str {
    if is_aws {
        "check AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN, or the profile that AWS_PROFILE \
         names; or, if an emulator was meant, name it in `endpoints`, or set AWS_ACCESS_KEY_ID=test \
         AWS_SECRET_ACCESS_KEY=test if it goes by AWS's own host names"
    } else {
        "set AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test, or keys that it knows"
    }
}

/// Returns why there are no credentials, and the way out, in words that stay the same while the reason does.
pub(crate) fn unsigned(error: &CredentialsError, is_aws: bool) -> String {
    let why = match error {
        CredentialsError::CredentialsNotLoaded(_) => "there are none".to_owned(),
        CredentialsError::ProviderTimedOut(_) => "who has them did not answer in time".to_owned(),
        CredentialsError::InvalidConfiguration(_) => {
            format!("what names them is wrong: {}", root(error))
        }
        _ => format!("who has them cannot be asked: {}", root(error)),
    };
    format!("{why}; {}", way_out(is_aws))
}

/// Returns the text of the last cause, which is the one that tells.
fn root(error: &CredentialsError) -> String {
    let mut last: &dyn std::error::Error = error;
    while let Some(cause) = last.source() {
        last = cause;
    }
    first_line(&last.to_string())
}

/// Returns keys without asking anybody.
async fn anybody() -> Credentials {
    let environment = EnvironmentVariableCredentialsProvider::new();
    if let Ok(found) = environment.provide_credentials().await {
        return found;
    }
    let in_profile = profiles().await.ok().and_then(|profiles| {
        let key = |name| profiles.get(name).filter(|value| !value.is_empty());
        let secret = key("aws_secret_access_key")?;
        let token = key("aws_session_token").map(str::to_owned);
        Some(Credentials::new(
            key("aws_access_key_id")?,
            secret,
            token,
            None,
            "Profile",
        ))
    });
    in_profile.unwrap_or_else(|| Credentials::new("test", "test", None, None, "Default"))
}

impl ProvideCredentials for StandardChain {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(self.find())
    }
}
