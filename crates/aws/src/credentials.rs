//! Whose name requests are made in: the standard AWS chain, with a harmless default on this machine.

use std::time::Duration;

use aws_config::default_provider::credentials::DefaultCredentialsChain;
use aws_config::environment::EnvironmentVariableCredentialsProvider;
use aws_config::meta::credentials::CredentialsProviderChain;
use aws_config::profile::ProfileFileCredentialsProvider;
use aws_config::provider_config::ProviderConfig;
use aws_config::web_identity_token::WebIdentityTokenCredentialsProvider;
use aws_config::{BehaviorVersion, Region};
use aws_credential_types::Credentials;
use aws_credential_types::provider::{self, ProvideCredentials, future};
use aws_smithy_async::time::SharedTimeSource;

use crate::config::EndpointUrl;

/// What to do about credentials that are missing or refused; ends error messages.
pub(crate) const WAY_OUT: &str = "check AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and \
     AWS_SESSION_TOKEN, or the profile that AWS_PROFILE names";

/// How long credentials that never expire are used before they are looked up again, so that new ones
/// in a profile file are found without a restart.
const FRESH: Duration = Duration::from_secs(60);

/// Finds the credentials for requests to one endpoint, anew each time it is asked; callers cache them
/// until they expire.
///
/// The order is that of every AWS SDK: environment variables, profile files, web identity, container
/// and instance metadata. For an endpoint on this machine the metadata services are never asked, for
/// they answer only after a long wait outside AWS; if nothing else is found, `test`/`test` is used,
/// which emulators accept and AWS does not know.
#[derive(Debug)]
pub(crate) struct StandardChain {
    region: Region,
    loopback: bool,
    clock: SharedTimeSource,
}

impl StandardChain {
    /// Returns the chain for `endpoint`; `None` is the real AWS.
    pub(crate) fn new(region: &str, endpoint: Option<&EndpointUrl>) -> Self {
        Self {
            region: Region::new(region.to_owned()),
            loopback: endpoint.is_some_and(EndpointUrl::is_loopback),
            clock: SharedTimeSource::default(),
        }
    }

    async fn find(&self) -> provider::Result {
        // Chains remember what they read; only a new one reads again.
        let mut found = if self.loopback {
            self.on_this_machine().provide_credentials().await?
        } else {
            let chain = DefaultCredentialsChain::builder().region(self.region.clone());
            chain.build().await.provide_credentials().await?
        };
        found
            .expiry_mut()
            .get_or_insert_with(|| self.clock.now() + FRESH);
        Ok(found)
    }

    fn on_this_machine(&self) -> CredentialsProviderChain {
        let config = ProviderConfig::without_region()
            .with_region(Some(self.region.clone()))
            .with_behavior_version(Some(BehaviorVersion::latest()));
        let environment = EnvironmentVariableCredentialsProvider::new();
        let profile = ProfileFileCredentialsProvider::builder()
            .configure(&config)
            .build();
        let web_identity = WebIdentityTokenCredentialsProvider::builder()
            .configure(&config)
            .build();
        let default = Credentials::new("test", "test", None, None, "LoopbackDefault");
        CredentialsProviderChain::first_try("Environment", environment)
            .or_else("Profile", profile)
            .or_else("WebIdentityToken", web_identity)
            .or_else("LoopbackDefault", default)
    }
}

impl ProvideCredentials for StandardChain {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(self.find())
    }
}
