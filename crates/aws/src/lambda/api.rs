//! The backend.

use std::collections::HashMap;
use std::io;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::{Method, Request};
use http_body_util::Full;
use lambda_esm_core::fault::InvokeError;
use lambda_esm_core::mapping::FunctionRef;
use lambda_esm_core::setters;
use lambda_esm_engine::ports::{FunctionFacts, InvokeAnswer, InvokeBackend, InvokeRequest};
use lambda_esm_engine::slots::Slots;
use serde::Deserialize;

use super::address::Address;
use super::answer::{Call, says_no_such_function};
use crate::config::AwsConfig;
use crate::endpoint::EndpointUrl;
use crate::signed::{Answer, HttpClient, Signer, Unanswered};

/// The largest response payload is 6 MB (Lambda developer guide, "Lambda quotas"); a little more is
/// read, since servers that stand in for AWS may count differently.
const RESPONSE_LIMIT: usize = 6 * 1024 * 1024 + 64 * 1024;
/// The longest timeout of a function is 15 minutes (Lambda API reference, `Timeout`).
const LONGEST: Duration = Duration::from_secs(15 * 60 + 10);
/// How long a question about a function may take.
const PATIENCE: Duration = Duration::from_secs(10);
const USER_AGENT: &str = concat!("lambda-esm/", env!("CARGO_PKG_VERSION"));

/// How to call Lambda.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct LambdaOptions {
    /// Where to call; if `None`, where [`AwsConfig::endpoints`] has `lambda`. It may also be the URL of
    /// one function's invocations, as runtime interface emulators have it:
    /// `http://127.0.0.1:9000/2015-03-31/functions/function/invocations`.
    pub endpoint: Option<EndpointUrl>,
    /// The function's timeout: how long one invocation may take, connecting and a start included. One that
    /// takes longer has failed. If `None`, the function's configuration says what its timeout is, and a call
    /// may take 15 minutes, the longest that there is, and 10 seconds.
    pub timeout: Option<Duration>,
    /// The most invocations of a function that may be open at a time, at least 1. If `None`, any number; and
    /// 1 where the endpoint is the URL of one function's invocations, for runtime interface emulators run
    /// one at a time and die of a second one. An invocation that took too long for us stays open, and
    /// counts, until it is answered there.
    pub concurrency: Option<usize>,
}

setters!(LambdaOptions {
    with_endpoint sets endpoint: Option<EndpointUrl>,
    with_timeout sets timeout: Option<Duration>,
    with_concurrency sets concurrency: Option<usize>,
});

/// Invokes functions through the Lambda API, `Invoke` with `RequestResponse`. Makes one attempt.
#[derive(Debug)]
pub struct LambdaApi {
    address: Address,
    client: HttpClient,
    signer: Signer,
    timeout: Option<Duration>,
    concurrency: Option<usize>,
    /// By function; one for all where the endpoint is that of one.
    slots: Mutex<HashMap<String, Slots>>,
}

impl LambdaApi {
    /// Returns a backend for the AWS that `config` describes. Does no network I/O.
    ///
    /// # Errors
    /// Fails if the endpoint needs TLS and the machine's root certificates cannot be read.
    pub fn new(config: &AwsConfig, options: LambdaOptions) -> Result<Self, RootCertificatesError> {
        let endpoint = config.lambda_endpoint(options.endpoint.as_ref(), &config.region);
        let patience = options.timeout.unwrap_or(LONGEST);
        let client = HttpClient::new(&endpoint, patience).map_err(RootCertificatesError)?;
        let signer = Signer::new("lambda", &endpoint);
        let address = Address::new(endpoint, &config.account_id);
        let alone = address.is_whole().then_some(1);
        Ok(Self {
            address,
            client,
            signer,
            timeout: options.timeout,
            concurrency: options.concurrency.or(alone),
            slots: Mutex::default(),
        })
    }

    fn call(&self, function: &FunctionRef) -> Call {
        Call {
            function: function.name().to_owned(),
            qualifier: function.qualifier().map(str::to_owned),
            endpoint: self.address.base(function),
            stand_in: self.address.is_stand_in(),
        }
    }

    fn slots(&self, function: &FunctionRef) -> Slots {
        let name = if self.address.is_whole() {
            ""
        } else {
            function.name()
        };
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        let new = || Slots::new(self.concurrency);
        slots.entry(name.to_owned()).or_insert_with(new).clone()
    }

    async fn signed(
        &self,
        call: &Call,
        region: &str,
        request: http::request::Builder,
        body: Bytes,
    ) -> Result<Request<Full<Bytes>>, InvokeError> {
        let mut request = request
            .header(http::header::USER_AGENT, USER_AGENT)
            .body(Full::new(body.clone()))
            .map_err(|error| call.unsent(&error.to_string()))?;
        self.signer
            .sign(&mut request, &body, region)
            .await
            .map_err(|why| call.unsigned(&why))?;
        Ok(request)
    }

    /// Has credentials that were refused looked up again.
    async fn note(&self, answer: &Answer) {
        if matches!(answer.status.as_u16(), 401 | 403) {
            self.signer.forget().await;
        }
    }
}

#[async_trait]
impl InvokeBackend for LambdaApi {
    async fn invoke(&self, request: InvokeRequest) -> Result<InvokeAnswer, InvokeError> {
        let call = self.call(&request.function);
        let slot = self.slots(&request.function).take(&call.function)?;
        let post = Request::builder()
            .method(Method::POST)
            .uri(self.address.invoke(&request.function))
            .header(http::header::CONTENT_TYPE, "application/json")
            .header("x-amz-invocation-type", "RequestResponse")
            .header("x-amz-log-type", "None");
        let region = self.address.region(&request.function);
        let post = self.signed(&call, region, post, request.payload).await?;
        let client = self.client.clone();
        let exchange = async move { client.send(post, LONGEST, RESPONSE_LIMIT).await };
        let patience = self.timeout.unwrap_or(LONGEST);
        let answer = slot.call(patience, exchange).await;
        let answer = answer.unwrap_or(Err(Unanswered::Late));
        let answer = answer.map_err(|why| call.unanswered(why, patience))?;
        self.note(&answer).await;
        call.invoked(answer)
    }

    /// Asks for the function's configuration, which also tells whether there is such a function. A server
    /// without that operation leaves unknown what the options do not say.
    async fn describe(&self, function: &FunctionRef) -> Result<FunctionFacts, InvokeError> {
        let known = FunctionFacts::default()
            .with_timeout(self.timeout)
            .with_concurrency(self.concurrency);
        let Some(url) = self.address.configuration(function) else {
            return Ok(known);
        };
        let call = self.call(function);
        let get = Request::builder().method(Method::GET).uri(url);
        let region = self.address.region(function);
        let get = self.signed(&call, region, get, Bytes::new()).await?;
        let answer = self.client.send(get, PATIENCE, RESPONSE_LIMIT).await;
        let answer = answer.map_err(|why| call.not_described(why, PATIENCE))?;
        self.note(&answer).await;
        if says_no_such_function(&answer) || matches!(answer.status.as_u16(), 401 | 403) {
            return Err(call.not_found_or_denied(&answer));
        }
        let configuration = serde_json::from_slice::<Configuration>(&answer.body)
            .ok()
            .filter(|_| answer.status.is_success());
        let timeout = configuration.and_then(|configuration| configuration.timeout);
        Ok(known.with_timeout(known.timeout.or_else(|| timeout.map(Duration::from_secs))))
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
