//! Whose name requests are made in: the standard AWS chain, with a harmless default on this machine.

use aws_config::default_provider::credentials::DefaultCredentialsChain;
use aws_config::environment::EnvironmentVariableCredentialsProvider;
use aws_config::meta::credentials::CredentialsProviderChain;
use aws_config::profile::ProfileFileCredentialsProvider;
use aws_config::provider_config::ProviderConfig;
use aws_config::web_identity_token::WebIdentityTokenCredentialsProvider;
use aws_config::{BehaviorVersion, Region};
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;

use crate::config::EndpointUrl;

/// What to do about credentials that are missing or refused; ends error messages.
pub(crate) const WAY_OUT: &str = "check AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and \
     AWS_SESSION_TOKEN, or the profile that AWS_PROFILE names";

/// Returns the credentials for requests to `endpoint` (`None`: the real AWS).
///
/// The order is that of every AWS SDK: environment variables, profile files, web identity, container
/// and instance metadata. For an endpoint on this machine the metadata services are never asked, for
/// they answer only after a long wait outside AWS; if nothing else is found, `test`/`test` is used,
/// which emulators accept and AWS does not know.
pub(crate) async fn provider(
    region: &str,
    endpoint: Option<&EndpointUrl>,
) -> SharedCredentialsProvider {
    let region = Region::new(region.to_owned());
    if !endpoint.is_some_and(EndpointUrl::is_loopback) {
        let chain = DefaultCredentialsChain::builder()
            .region(region)
            .build()
            .await;
        return SharedCredentialsProvider::new(chain);
    }
    let config = ProviderConfig::without_region()
        .with_region(Some(region))
        .with_behavior_version(Some(BehaviorVersion::latest()));
    let chain = CredentialsProviderChain::first_try(
        "Environment",
        EnvironmentVariableCredentialsProvider::new(),
    )
    .or_else(
        "Profile",
        ProfileFileCredentialsProvider::builder()
            .configure(&config)
            .build(),
    )
    .or_else(
        "WebIdentityToken",
        WebIdentityTokenCredentialsProvider::builder()
            .configure(&config)
            .build(),
    )
    .or_else(
        "LoopbackDefault",
        Credentials::new("test", "test", None, None, "LoopbackDefault"),
    );
    SharedCredentialsProvider::new(chain)
}
