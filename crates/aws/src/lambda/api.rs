//! The backend.

use std::io;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::{Method, Request};
use http_body_util::Full;
use lambda_esm_core::fault::InvokeError;
use lambda_esm_core::mapping::FunctionRef;
use lambda_esm_engine::ports::{FunctionFacts, InvokeAnswer, InvokeBackend, InvokeRequest};
use serde::Deserialize;

use super::address::Address;
use super::answer::{Call, says_no_such_function};
use super::http::{Answer, HttpClient, Unanswered};
use super::sign::Signer;
use crate::config::AwsConfig;
use crate::endpoint::EndpointUrl;

/// The largest response payload is 6 MB (Lambda developer guide, "Lambda quotas"); a little more is
/// read, since servers that stand in for AWS may count differently.
const RESPONSE_LIMIT: usize = 6 * 1024 * 1024 + 64 * 1024;
/// How long a question about a function may take.
const PATIENCE: Duration = Duration::from_secs(10);
const USER_AGENT: &str = concat!("lambda-esm/", env!("CARGO_PKG_VERSION"));

/// How to call Lambda.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LambdaOptions {
    /// Where to call; if `None`, where [`AwsConfig::endpoints`] has `lambda`. It may also be the URL of
    /// one function's invocations, as runtime interface emulators have it:
    /// `http://127.0.0.1:9000/2015-03-31/functions/function/invocations`.
    pub endpoint: Option<EndpointUrl>,
    /// How long one invocation may take, connecting included. The default is 15 minutes, the longest
    /// timeout of a function, and 10 seconds.
    pub timeout: Duration,
}

impl Default for LambdaOptions {
    fn default() -> Self {
        Self {
            endpoint: None,
            timeout: Duration::from_secs(15 * 60 + 10),
        }
    }
}

/// Invokes functions through the Lambda API, `Invoke` with `RequestResponse`. Makes one attempt.
#[derive(Debug)]
pub struct LambdaApi {
    address: Address,
    client: HttpClient,
    signer: Signer,
    timeout: Duration,
}

impl LambdaApi {
    /// Returns a backend for the AWS that `config` describes. Does no network I/O.
    ///
    /// # Errors
    /// Fails if the endpoint needs TLS and the machine's root certificates cannot be read.
    pub fn new(config: &AwsConfig, options: LambdaOptions) -> Result<Self, RootCertificatesError> {
        let site = config.lambda_site(options.endpoint.as_ref(), &config.region);
        let client = HttpClient::new(&site).map_err(RootCertificatesError)?;
        let signer = Signer::new(&site);
        let address = Address::new(site, &config.account_id);
        Ok(Self {
            address,
            client,
            signer,
            timeout: options.timeout,
        })
    }

    fn call<'a>(&'a self, function: &'a str) -> Call<'a> {
        Call {
            function,
            endpoint: self.address.base(),
            stand_in: self.address.is_stand_in(),
        }
    }

    async fn ask(
        &self,
        call: Call<'_>,
        request: http::request::Builder,
        body: Bytes,
        time: Duration,
    ) -> Result<Answer, InvokeError> {
        let broken = |why: String| call.unanswered(Unanswered::Broken(why), time);
        let mut request = request
            .header(http::header::USER_AGENT, USER_AGENT)
            .body(Full::new(body.clone()))
            .map_err(|error| broken(error.to_string()))?;
        self.signer
            .sign(&mut request, &body)
            .await
            .map_err(|why| call.unsigned(&why))?;
        let answer = self.client.send(request, time, RESPONSE_LIMIT).await;
        let answer = answer.map_err(|why| call.unanswered(why, time))?;
        if matches!(answer.status.as_u16(), 401 | 403) {
            self.signer.forget().await;
        }
        Ok(answer)
    }
}

#[async_trait]
impl InvokeBackend for LambdaApi {
    async fn invoke(&self, request: InvokeRequest) -> Result<InvokeAnswer, InvokeError> {
        let call = self.call(request.function.name());
        let post = Request::builder()
            .method(Method::POST)
            .uri(self.address.invoke(&request.function))
            .header(http::header::CONTENT_TYPE, "application/json")
            .header("x-amz-invocation-type", "RequestResponse")
            .header("x-amz-log-type", "None");
        let answer = self.ask(call, post, request.payload, self.timeout).await?;
        call.invoked(answer)
    }

    /// Asks for the function's configuration. A server without that operation leaves the facts unknown.
    async fn describe(&self, function: &FunctionRef) -> Result<FunctionFacts, InvokeError> {
        let Some(url) = self.address.configuration(function) else {
            return Ok(FunctionFacts::default());
        };
        let call = self.call(function.name());
        let get = Request::builder().method(Method::GET).uri(url);
        let answer = self.ask(call, get, Bytes::new(), PATIENCE).await?;
        if says_no_such_function(&answer) || matches!(answer.status.as_u16(), 401 | 403) {
            return Err(call.refused(&answer));
        }
        let configuration = serde_json::from_slice::<Configuration>(&answer.body)
            .ok()
            .filter(|_| answer.status.is_success());
        let timeout = configuration.and_then(|configuration| configuration.timeout);
        Ok(FunctionFacts {
            timeout: timeout.map(Duration::from_secs),
            concurrency: None,
        })
    }
}

/// What is read of `FunctionConfiguration` (Lambda API reference).
#[derive(Deserialize)]
struct Configuration {
    /// In seconds.
    #[serde(rename = "Timeout")]
    timeout: Option<u64>,
}

/// The root certificates of this machine cannot be read.
#[derive(Debug, thiserror::Error)]
#[error(
    "cannot read this machine's root certificates, which an https endpoint needs: {0}; install the \
     ca-certificates package or name a bundle in SSL_CERT_FILE"
)]
pub struct RootCertificatesError(io::Error);
