//! Signatures of requests to Lambda (AWS IAM user guide, "AWS Signature Version 4").

use std::fmt;
use std::time::{Duration, SystemTime};

use aws_credential_types::provider::ProvideCredentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4::SigningParams;
use aws_smithy_async::time::SharedTimeSource;
use aws_smithy_runtime_api::client::identity::Identity;
use bytes::Bytes;
use http::Request;
use http_body_util::Full;
use tokio::sync::Mutex;

use crate::credentials::{StandardChain, unsigned};
use crate::service_endpoint::ServiceEndpoint;
use crate::text::with_causes;

/// Credentials are fetched anew when less than this is left of them.
const BEFORE_EXPIRY: Duration = Duration::from_secs(10);

/// Signs requests to one endpoint in the name of the credentials found for it.
pub(super) struct Signer {
    endpoint: ServiceEndpoint,
    chain: StandardChain,
    clock: SharedTimeSource,
    cached: Mutex<Option<Cached>>,
}

struct Cached {
    identity: Identity,
    expiry: Option<SystemTime>,
}

impl Signer {
    pub(super) fn new(endpoint: &ServiceEndpoint) -> Self {
        let chain = StandardChain::new(endpoint);
        let clock = SharedTimeSource::default();
        Self {
            endpoint: endpoint.clone(),
            chain,
            clock,
            cached: Mutex::default(),
        }
    }

    /// Adds the signature for a region to a request with this body. Fails in words.
    pub(super) async fn sign(
        &self,
        request: &mut Request<Full<Bytes>>,
        body: &[u8],
        region: &str,
    ) -> Result<(), String> {
        let now = self.clock.now();
        let identity = self.identity(now).await?;
        let params = SigningParams::builder()
            .identity(&identity)
            .region(region)
            .name("lambda")
            .time(now)
            .settings(SigningSettings::default())
            .build()
            .map_err(|error| with_causes(&error))?
            .into();
        let url = request.uri().to_string();
        let headers = request
            .headers()
            .iter()
            .filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?)));
        let signable = SignableRequest::new(
            request.method().as_str(),
            url,
            headers,
            SignableBody::Bytes(body),
        )
        .map_err(|error| with_causes(&error))?;
        let (instructions, _) = sign(signable, &params)
            .map_err(|error| with_causes(&error))?
            .into_parts();
        instructions.apply_to_request_http1x(request);
        Ok(())
    }

    /// Forgets credentials that were refused, so that the next request asks for new ones.
    pub(super) async fn forget(&self) {
        *self.cached.lock().await = None;
    }

    async fn identity(&self, now: SystemTime) -> Result<Identity, String> {
        let mut cached = self.cached.lock().await;
        if let Some(cached) = &*cached
            && cached
                .expiry
                .is_none_or(|expiry| expiry > now + BEFORE_EXPIRY)
        {
            return Ok(cached.identity.clone());
        }
        match (self.chain.provide_credentials().await, &*cached) {
            (Ok(found), _) => {
                let expiry = found.expiry();
                let identity = Identity::from(found);
                *cached = Some(Cached {
                    identity: identity.clone(),
                    expiry,
                });
                Ok(identity)
            }
            (Err(_), Some(old)) if old.expiry.is_some_and(|expiry| expiry > now) => {
                Ok(old.identity.clone())
            }
            (Err(error), _) => Err(unsigned(&error, self.endpoint.is_aws())),
        }
    }
}

/// Shows no credentials.
impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Signer")
            .field("endpoint", &self.endpoint)
            .finish_non_exhaustive()
    }
}
