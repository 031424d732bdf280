//! Tokens of AWS STS for others than AWS.

use std::time::Duration;

use aws_sdk_sts::Client;
use lambda_esm_core::Timestamp;
use lambda_esm_core::fault::{SourceError, SourceErrorKind};
use lambda_esm_engine::aws_identity::IdentityToken;

use crate::client::Clients;
use crate::config::AwsConfig;
use crate::failure::{Call, Service};

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// STS in messages and codes (AWS STS API reference, `GetWebIdentityToken`).
static STS: Service = Service {
    name: "STS",
    resource: "audience",
    missing: "correct OAUTHBEARER_AUDIENCE in SourceAccessConfigurations",
    permissions: "sts",
    own: kind,
};

fn kind(code: &str, _: Option<&str>) -> Option<SourceErrorKind> {
    matches!(
        code,
        "OutboundWebIdentityFederationDisabled" | "SessionDurationEscalation"
    )
    .then_some(SourceErrorKind::Denied)
}

/// Asks for tokens.
#[derive(Debug)]
pub(super) struct WebIdentity {
    config: AwsConfig,
    clients: Clients<Client>,
}

impl WebIdentity {
    pub(super) fn new(config: AwsConfig) -> Self {
        Self {
            config,
            clients: Clients::default(),
        }
    }

    /// Returns a token of the default lifetime, 300 s, signed by RS256.
    pub(super) async fn token(&self, audience: &str) -> Result<IdentityToken, SourceError> {
        let endpoint = self.config.regional_endpoint("sts", None);
        let client = self.clients.get(&endpoint, Client::new);
        let call = Call {
            service: &STS,
            operation: "GetWebIdentityToken",
            resource: audience,
            endpoint: &endpoint,
        };
        let request = client.get_web_identity_token().audience(audience);
        let request = request.signing_algorithm("RS256");
        let answer = call.within(PATIENCE, request.send()).await?;
        let expires = answer.expiration.and_then(|time| time.to_millis().ok());
        match (answer.web_identity_token, expires) {
            (Some(token), Some(expires)) => Ok(IdentityToken::new(token, Timestamp(expires))),
            _ => Err(call.incomplete("a token or its expiration")),
        }
    }
}
