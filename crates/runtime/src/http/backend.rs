//! The client of one HTTP function.

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use http::header::{LOCATION, RETRY_AFTER, SERVER, VIA};
use http::{HeaderMap, Method, Request, Response, StatusCode, Uri};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper_util::client::legacy::{Client, Error, connect::HttpConnector};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use lambda_esm_core::batching::MAX_PAYLOAD_BYTES;
use lambda_esm_core::excerpt::excerpt;
use lambda_esm_core::fault::{InvokeError, InvokeErrorKind};
use lambda_esm_core::mapping::FunctionRef;
use lambda_esm_core::response::{error_words, unmarked_error};
use lambda_esm_core::text;
use lambda_esm_engine::patience::within;
use lambda_esm_engine::ports::{FunctionFacts, InvokeAnswer, InvokeBackend, InvokeRequest};
use lambda_esm_engine::slots::Slots;

use super::config::HttpConfig;
use crate::error::ConfigError;

/// Shorter than the 5 seconds after which common servers close an idle connection, so that a request
/// seldom meets a connection that is being closed.
const IDLE_LIMIT: Duration = Duration::from_secs(4);
const CONNECT_LIMIT: Duration = Duration::from_secs(5);
/// What is not answered by then never will be: the longest timeout of a function.
const LONGEST: Duration = Duration::from_secs(900);
/// Says that the function failed (Lambda API reference, "Invoke").
const FUNCTION_ERROR: &str = "x-amz-function-error";
const EXCERPT_BYTES: usize = 4_096;
/// How many bytes of it are shown.
const EXCERPT: usize = 500;
/// Shorter texts are found in any sentence, and no secrets.
const SHORTEST_SECRET: usize = 4;

/// Posts events to one HTTP function, over kept-alive connections.
///
/// Without a configured concurrency, invocations are not limited in number; let the function answer 429 to
/// what it cannot take. Dropping such an invocation closes its connection; one that has a slot goes on, and
/// keeps the slot until it is answered.
pub struct HttpBackend {
    config: HttpConfig,
    function: Function,
    slots: Slots,
}

/// The function behind its URL.
#[derive(Clone)]
struct Function {
    url: Uri,
    headers: HeaderMap,
    client: Client<HttpConnector, Full<Bytes>>,
    /// Whether the URL is one of Lambda's own form, so that errors may come with status 200.
    is_lambda: bool,
}

impl HttpBackend {
    /// Returns a backend for the function of `config`. Nothing is connected before the first invocation.
    ///
    /// # Errors
    /// Fails if the URL is not a plain `http://` one with a host, if a header is malformed or frames the
    /// message, or if the timeout is out of range.
    pub fn new(config: HttpConfig) -> Result<Self, ConfigError> {
        let (url, headers) = config.parse()?;
        let client = Client::builder(TokioExecutor::new())
            .pool_idle_timeout(IDLE_LIMIT)
            .pool_timer(TokioTimer::new())
            .build(connector(config.timeout));
        let is_lambda = config.is_lambda();
        let slots = Slots::new(config.most_at_a_time());
        let function = Function {
            url,
            headers,
            client,
            is_lambda,
        };
        Ok(Self {
            config,
            function,
            slots,
        })
    }
}

impl Function {
    async fn exchange(self, payload: Bytes) -> Result<Bytes, InvokeError> {
        let mut request = Request::new(Full::new(payload));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = self.url.clone();
        request.headers_mut().clone_from(&self.headers);
        let response = self
            .client
            .request(request)
            .await
            .map_err(|error| self.lost(&error))?;
        if !response.status().is_success() {
            return Err(self.refusal(response).await);
        }
        let is_marked = response.headers().contains_key(FUNCTION_ERROR);
        let body = read_response(response).await?;
        if is_marked {
            let words = error_words(&body).unwrap_or_else(|| "unhandled error".to_owned());
            return Err(InvokeError::function(self.without_secrets(&words)));
        }
        match unmarked_error(&body).filter(|_| self.is_lambda) {
            Some(words) => Err(InvokeError::function(self.without_secrets(&words))),
            None => Ok(body),
        }
    }

    /// Leaves out what only we and the function know: servers repeat what they were sent.
    fn without_secrets(&self, said: &str) -> String {
        let headers = self.headers.values().filter(|value| value.is_sensitive());
        let headers = headers.filter_map(|value| value.to_str().ok());
        let secrets = headers.chain(self.url.query());
        secrets
            .filter(|secret| secret.len() >= SHORTEST_SECRET)
            .fold(said.to_owned(), |said, secret| {
                said.replace(secret, "(not shown)")
            })
    }

    fn lost(&self, error: &Error) -> InvokeError {
        let cause = std::error::Error::source(error).and_then(|cause| cause.downcast_ref());
        let never_sent = error.is_connect() || cause.is_some_and(hyper::Error::is_canceled);
        let kind = if never_sent {
            InvokeErrorKind::Unavailable
        } else {
            InvokeErrorKind::Function
        };
        InvokeError::new(kind, format!("POST {}: {}", self.url, chain(error)))
    }

    /// Turns an answer that is no success into the kind of its status and the beginning of its body.
    async fn refusal(&self, response: Response<Incoming>) -> InvokeError {
        let status = response.status();
        let mut message = format!("the function answered {status}");
        if status.is_redirection()
            && let Some(target) = response.headers().get(LOCATION)
        {
            let target = String::from_utf8_lossy(target.as_bytes());
            let target = excerpt(text::url(&target).trim(), EXCERPT);
            message.push_str(&format!(" to {target}, and redirects are not followed"));
        }
        let headers = response.headers().clone();
        let body = beginning(response.into_body()).await;
        // As a runtime interface emulator answers when the runtime ended; a proxy says who it is, or why.
        let is_proxy = [SERVER, VIA].iter().any(|name| headers.contains_key(name));
        let ended = unmarked_error(body.as_bytes()).is_some()
            || (body.is_empty() && !is_proxy && status == StatusCode::BAD_GATEWAY);
        let kind = if self.is_lambda && status.is_server_error() && ended {
            InvokeErrorKind::Function
        } else {
            kind(status, &headers)
        };
        if !body.is_empty() {
            message.push_str(": ");
            message.push_str(&excerpt(self.without_secrets(&body).trim(), EXCERPT));
        }
        InvokeError::new(kind, message)
    }
}

/// Sorts the statuses that are no success.
fn kind(status: StatusCode, headers: &HeaderMap) -> InvokeErrorKind {
    match status {
        StatusCode::TOO_MANY_REQUESTS => InvokeErrorKind::throttled(retry_after(headers)),
        StatusCode::PAYLOAD_TOO_LARGE => InvokeErrorKind::TOO_LARGE,
        StatusCode::NOT_FOUND | StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
            let (status, may_pass) = (status.as_u16(), true);
            InvokeErrorKind::refused(status, may_pass)
        }
        status if status.is_redirection() => {
            let (status, may_pass) = (status.as_u16(), true);
            InvokeErrorKind::refused(status, may_pass)
        }
        StatusCode::BAD_GATEWAY | StatusCode::SERVICE_UNAVAILABLE => InvokeErrorKind::Unavailable,
        _ => InvokeErrorKind::Function,
    }
}

#[async_trait]
impl InvokeBackend for HttpBackend {
    async fn invoke(&self, request: InvokeRequest) -> Result<InvokeAnswer, InvokeError> {
        let slot = self.slots.take(request.function.name())?;
        let exchange = self.function.clone().exchange(request.payload);
        let bounded = within(LONGEST, exchange);
        let answer = slot.call(self.config.timeout, bounded).await.flatten();
        answer.map_or_else(
            || {
                let limit = self.config.timeout.as_secs_f64();
                Err(InvokeError::function(format!(
                    "Task timed out after {limit:.2} seconds"
                )))
            },
            |answer| answer.map(Into::into),
        )
    }

    async fn describe(&self, _function: &FunctionRef) -> Result<FunctionFacts, InvokeError> {
        Ok(FunctionFacts::default()
            .with_timeout(Some(self.config.timeout))
            .with_concurrency(self.config.most_at_a_time()))
    }
}

impl fmt::Debug for HttpBackend {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("HttpBackend")
            .field("config", &self.config)
            .finish_non_exhaustive()
    }
}

fn connector(timeout: Duration) -> HttpConnector {
    let mut connector = HttpConnector::new();
    // Well before the function's timeout, to tell a host that is away from a function that is slow.
    connector.set_connect_timeout(Some(CONNECT_LIMIT.min(timeout / 2)));
    connector.set_nodelay(true);
    connector
}

async fn read_response(response: Response<Incoming>) -> Result<Bytes, InvokeError> {
    let mut body = response.into_body();
    let mut bytes = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| {
            InvokeError::function(format!("the response broke off: {}", chain(&error)))
        })?;
        if let Ok(data) = frame.into_data() {
            if bytes.len() + data.len() > MAX_PAYLOAD_BYTES {
                return Err(InvokeError::function(format!(
                    "Function.ResponseSizeTooLarge: response payload size exceeded maximum allowed \
                     payload size ({MAX_PAYLOAD_BYTES} bytes)"
                )));
            }
            bytes.extend_from_slice(&data);
        }
    }
    Ok(bytes.freeze())
}

/// The wait in whole seconds; a date is not understood, for the machine backs off by itself.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds = headers
        .get(RETRY_AFTER)?
        .to_str()
        .ok()?
        .trim()
        .parse()
        .ok()?;
    Some(Duration::from_secs(seconds))
}

async fn beginning(mut body: Incoming) -> String {
    let mut bytes = Vec::new();
    while let Some(Ok(frame)) = body.frame().await {
        if let Ok(data) = frame.into_data() {
            let room = EXCERPT_BYTES - bytes.len();
            bytes.extend_from_slice(&data[..data.len().min(room)]);
        }
        if bytes.len() == EXCERPT_BYTES {
            break;
        }
    }
    String::from_utf8_lossy(&bytes).trim().to_owned()
}

/// Joins an error and its causes, which hyper's own text leaves out.
fn chain(error: &dyn std::error::Error) -> String {
    let mut words = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        words.push_str(": ");
        words.push_str(&cause.to_string());
        source = cause.source();
    }
    words
}
