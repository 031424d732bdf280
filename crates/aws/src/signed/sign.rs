//! Signatures of requests (AWS IAM user guide, "AWS Signature Version 4").

use std::fmt;
use std::time::{Duration, SystemTime};

use aws_credential_types::provider::ProvideCredentials;
#[cfg(feature = "identity")]
use aws_sigv4::http_request::SignatureLocation;
use aws_sigv4::http_request::{self, SignableBody, SignableRequest, SigningSettings, sign};
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

/// Signs requests to a service in the name of the credentials found for it.
pub(crate) struct Signer {
    service: &'static str,
    is_aws: bool,
    chain: StandardChain,
    clock: SharedTimeSource,
    cached: Mutex<Option<Cached>>,
}

struct Cached {
    identity: Identity,
    expiry: Option<SystemTime>,
}

impl Signer {
    /// Returns one for a service at an endpoint.
    pub(crate) fn new(service: &'static str, endpoint: &ServiceEndpoint) -> Self {
        Self::in_region(service, &endpoint.region, endpoint.is_aws())
    }

    /// Returns one for a service of AWS in a region, or for what stands in for it.
    pub(crate) fn in_region(service: &'static str, region: &str, is_aws: bool) -> Self {
        let chain = StandardChain::in_region(region, is_aws);
        let clock = SharedTimeSource::default();
        Self {
            service,
            is_aws,
            chain,
            clock,
            cached: Mutex::default(),
        }
    }

    /// Adds the signature for a region to a request with this body. Fails in words.
    pub(crate) async fn sign(
        &self,
        request: &mut Request<Full<Bytes>>,
        body: &[u8],
        region: &str,
    ) -> Result<(), String> {
        let now = self.clock.now();
        let identity = self.identity(now).await?;
        let params = self.params(&identity, region, now, SigningSettings::default())?;
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

    /// Returns a URL with a signature in its query with which anybody may get it for so long, and when that ends. Fails
    /// in words.
    #[cfg(feature = "identity")]
    pub(crate) async fn presign(
        &self,
        url: &str,
        region: &str,
        life: Duration,
    ) -> Result<(String, SystemTime), String> {
        let now = self.clock.now();
        let identity = self.identity(now).await?;
        let mut settings = SigningSettings::default();
        settings.signature_location = SignatureLocation::QueryParams;
        settings.expires_in = Some(life);
        let params = self.params(&identity, region, now, settings)?;
        let body = SignableBody::Bytes(&[]);
        let signable = SignableRequest::new("GET", url, std::iter::empty(), body);
        let signable = signable.map_err(|error| with_causes(&error))?;
        let (instructions, _) = sign(signable, &params)
            .map_err(|error| with_causes(&error))?
            .into_parts();
        let request = Request::get(url).body(());
        let mut request = request.map_err(|error| with_causes(&error))?;
        instructions.apply_to_request_http1x(&mut request);
        Ok((request.uri().to_string(), now + life))
    }

    fn params<'a>(
        &self,
        identity: &'a Identity,
        region: &'a str,
        now: SystemTime,
        settings: SigningSettings,
    ) -> Result<http_request::SigningParams<'a>, String> {
        let params = SigningParams::builder()
            .identity(identity)
            .region(region)
            .name(self.service)
            .time(now)
            .settings(settings)
            .build()
            .map_err(|error| with_causes(&error))?;
        Ok(params.into())
    }

    /// Forgets credentials that were refused, so that the next request asks for new ones.
    pub(crate) async fn forget(&self) {
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
            (Err(error), _) => Err(unsigned(&error, self.is_aws)),
        }
    }
}

/// Shows no credentials.
impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Signer")
            .field("service", &self.service)
            .finish_non_exhaustive()
    }
}
