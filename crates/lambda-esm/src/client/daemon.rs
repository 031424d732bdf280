//! Requests to the API of a daemon, and its answers as JSON.

use std::error::Error as _;
use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures::{StreamExt as _, TryStreamExt as _};
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use http::{HeaderMap, Method, Request, Response, StatusCode, Uri};
use http_body_util::{BodyExt as _, Full};
use hyper_util::client::legacy::Error;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use lambda_esm_core::excerpt::{LONGEST_MESSAGE, bounded};
use lambda_esm_core::text::plain;
use serde_json::Value;
use tokio::time::timeout;

use super::stream::{Chunks, Stream};
use crate::failure::Failure;

/// Where a daemon listens if its `api` does not say.
const DEFAULT_ENDPOINT: &str = "http://127.0.0.1:9560";
/// The daemon answers within 30 seconds, if only to say that it could not.
const PATIENCE: Duration = Duration::from_secs(35);
/// How many bytes a daemon may answer to one question, of however many requests: the list and the status of some
/// 25,000 mappings.
const LONGEST_ANSWER: usize = 64 * 1024 * 1024;
/// How many bytes of a refusal are read; the daemon's are at most 8 KiB.
const LONGEST_REFUSAL: usize = 64 * 1024;
const JSON: HeaderValue = HeaderValue::from_static("application/json");
const EVENT_STREAM: HeaderValue = HeaderValue::from_static("text/event-stream");

/// Arguments that say which daemon is meant.
#[derive(Debug, clap::Args)]
pub(crate) struct DaemonArgs {
    /// Where the daemon's API is.
    #[arg(
        long,
        global = true,
        value_name = "URL",
        env = "LAMBDA_ESM_ENDPOINT",
        default_value = DEFAULT_ENDPOINT
    )]
    endpoint: String,
    /// The token, if the daemon's `api.auth` is `bearer`.
    #[arg(long, global = true, env = "LAMBDA_ESM_TOKEN", hide_env_values = true)]
    token: Option<Token>,
}

/// A secret that is not shown.
#[derive(Clone)]
struct Token(String);

impl From<String> for Token {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Token(..)")
    }
}

/// The client of one daemon.
pub(crate) struct Client {
    endpoint: String,
    authorization: Option<HeaderValue>,
    http: hyper_util::client::legacy::Client<HttpConnector, Full<Bytes>>,
    /// How many bytes of answers are still read.
    left: AtomicUsize,
}

impl Client {
    /// Returns a client; nothing is connected yet.
    pub(crate) fn new(daemon: &DaemonArgs) -> Result<Self, Failure> {
        let endpoint = endpoint(&daemon.endpoint)?;
        let token = daemon.token.as_ref().map(|token| token.0.as_str());
        let authorization = token.filter(|token| !token.is_empty()).map(bearer);
        let authorization = authorization.transpose()?;
        let http = hyper_util::client::legacy::Client::builder(TokioExecutor::new()).build_http();
        Ok(Self {
            endpoint,
            authorization,
            http,
            left: AtomicUsize::new(LONGEST_ANSWER),
        })
    }

    /// Begins another question: what was answered until now counts no more.
    pub(crate) fn renew(&self) {
        self.left.store(LONGEST_ANSWER, Ordering::Relaxed);
    }

    /// Returns the address of the daemon.
    pub(crate) fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// Asks for a resource.
    pub(crate) async fn get(&self, path: &str) -> Result<Value, Failure> {
        self.ask(Method::GET, path, None).await
    }

    /// Has the daemon do something.
    pub(crate) async fn ask(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Value, Failure> {
        let answered = async {
            let answer = self.send(method, path, body, JSON).await?;
            let bytes = self.read(answer.into_body(), usize::MAX).await?;
            serde_json::from_slice(&bytes).map_err(|error| {
                self.failed(format!("answered with something else than JSON: {error}"))
            })
        };
        match timeout(PATIENCE, answered).await {
            Ok(answered) => answered,
            Err(_) => Err(self.late()),
        }
    }

    /// Opens a stream of server-sent events.
    pub(crate) async fn stream(&self, path: &str) -> Result<Stream, Failure> {
        let answer = timeout(PATIENCE, self.send(Method::GET, path, None, EVENT_STREAM));
        let answer = answer.await.unwrap_or_else(|_| Err(self.late()))?;
        Ok(Stream::new(answer.into_body(), self.endpoint.clone()))
    }

    /// Sends a request. An answer that is a refusal is a failure.
    async fn send(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
        accept: HeaderValue,
    ) -> Result<Response<Chunks>, Failure> {
        let uri: Uri = format!("{}{path}", self.endpoint)
            .parse()
            .map_err(|error| Failure::Usage(format!("{path:?} is no path: {error}")))?;
        let bytes = body.map(Value::to_string).unwrap_or_default();
        let mut request = Request::new(Full::new(Bytes::from(bytes)));
        *request.method_mut() = method;
        *request.uri_mut() = uri;
        let headers = request.headers_mut();
        headers.insert(ACCEPT, accept);
        if body.is_some() {
            headers.insert(CONTENT_TYPE, JSON);
        }
        if let Some(authorization) = &self.authorization {
            headers.insert(AUTHORIZATION, authorization.clone());
        }
        let answer = self.http.request(request).await;
        let answer = answer.map_err(|error| self.unreachable(&error))?;
        let answer = answer.map(|body| body.into_data_stream().map_err(Into::into).boxed());
        if answer.status().is_success() {
            return Ok(answer);
        }
        let (status, headers) = (answer.status(), answer.headers().clone());
        let body = self.read(answer.into_body(), LONGEST_REFUSAL).await?;
        Err(refusal(status, &headers, &body))
    }

    async fn read(&self, mut chunks: Chunks, most: usize) -> Result<Bytes, Failure> {
        let mut whole = BytesMut::new();
        while let Some(chunk) = chunks.next().await {
            let data =
                chunk.map_err(|error| self.failed(format!("broke off its answer: {error}")))?;
            let less = |left: usize| left.checked_sub(data.len());
            let left = self
                .left
                .fetch_update(Ordering::Relaxed, Ordering::Relaxed, less);
            if left.is_err() || whole.len() + data.len() > most {
                let most = most.min(LONGEST_ANSWER);
                return Err(self.failed(format!("answers without end: more than {most} bytes")));
            }
            whole.extend_from_slice(&data);
        }
        Ok(whole.freeze())
    }

    fn late(&self) -> Failure {
        self.failed(format!("did not answer in {} s", PATIENCE.as_secs()))
    }

    pub(crate) fn failed(&self, what: String) -> Failure {
        Failure::general(format!("the daemon at {} {what}", self.endpoint))
    }

    fn unreachable(&self, error: &Error) -> Failure {
        let mut cause = error.to_string();
        let mut source = error.source();
        while let Some(error) = source {
            cause = error.to_string();
            source = error.source();
        }
        if !error.is_connect() {
            return self.failed(format!("did not answer: {cause}"));
        }
        Failure::general(format!(
            "no daemon answers at {}: {cause}; start one with `lambda-esm run` and `api: {{}}` in its \
             configuration, or name its address with --endpoint",
            self.endpoint
        ))
    }
}

/// Checks an address, and returns it without a slash at its end.
fn endpoint(text: &str) -> Result<String, Failure> {
    let text = if text.is_empty() {
        DEFAULT_ENDPOINT
    } else {
        text
    };
    let refused = |rule: &str| Failure::Usage(format!("--endpoint {rule}"));
    let uri: Uri = text
        .parse()
        .map_err(|_| refused("is no URL; write for example http://127.0.0.1:9560"))?;
    let Some(authority) = uri.authority() else {
        return Err(refused(
            "is no whole URL; write for example http://127.0.0.1:9560",
        ));
    };
    if authority.as_str().contains('@') {
        return Err(refused("must not hold credentials; give --token"));
    }
    if uri.scheme_str() != Some("http") {
        return Err(refused(
            "must begin with http://, the daemon speaks no TLS; reach another machine through a tunnel",
        ));
    }
    if uri.query().is_some() {
        return Err(refused("must not have a query"));
    }
    Ok(text.trim_end_matches('/').to_owned())
}

fn bearer(token: &str) -> Result<HeaderValue, Failure> {
    let header = HeaderValue::try_from(format!("Bearer {token}"));
    let mut header = header.map_err(|_| {
        Failure::Usage("--token must be visible ASCII characters without blanks".to_owned())
    })?;
    header.set_sensitive(true);
    Ok(header)
}

/// Says why a request was refused: the error's name and text, and the way out if the daemon names one.
fn refusal(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Failure {
    let header = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    let message = body["message"]
        .as_str()
        .or_else(|| body["Message"].as_str());
    let name = header("x-amzn-errortype").unwrap_or("error");
    let mut text = format!("{name} ({}): ", status.as_u16());
    text += message.unwrap_or("the answer has no message; is this a lambda-esm daemon?");
    if let Some(hint) = header("x-lambda-esm-hint") {
        text = format!("{text} ({hint})");
    }
    Failure::general(bounded(plain(&text).into_owned(), LONGEST_MESSAGE))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_is_a_plain_http_address() {
        for (text, found) in [
            ("http://h:1/", "http://h:1"),
            ("http://h/base/", "http://h/base"),
            ("", DEFAULT_ENDPOINT),
        ] {
            assert_eq!(endpoint(text).unwrap(), found);
        }
        for (text, rule) in [
            ("127.0.0.1:9560", "http://"),
            ("https://h", "no TLS"),
            ("http://me:hunter2@h", "must not hold credentials"),
            ("http://h/?a=b", "query"),
            ("/x", "no whole URL"),
            ("a b", "no URL"),
        ] {
            let failure = endpoint(text).unwrap_err();
            let shown = failure.to_string();
            assert!(shown.contains(rule), "{text}: {shown}");
            assert!(!shown.contains("hunter2"), "{shown}");
            assert_eq!(failure.exit_code(), 64);
        }
    }

    #[test]
    fn a_token_is_not_shown() {
        let daemon = DaemonArgs {
            endpoint: String::new(),
            token: Some(Token("geheim".to_owned())),
        };
        assert!(!format!("{daemon:?}").contains("geheim"));
        assert!(bearer("geheim").unwrap().is_sensitive());
        let failure = bearer("geheim\n").unwrap_err();
        assert!(!failure.to_string().contains("geheim"));
    }
}
