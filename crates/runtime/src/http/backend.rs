//! The client of one HTTP function.

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use http::header::{LOCATION, RETRY_AFTER};
use http::{HeaderMap, Method, Request, Response, StatusCode, Uri};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper_util::client::legacy::{Client, Error, connect::HttpConnector};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use lambda_esm_core::fault::{InvokeError, InvokeErrorKind};
use lambda_esm_core::mapping::FunctionRef;
use lambda_esm_engine::ports::{FunctionFacts, InvokeAnswer, InvokeBackend, InvokeRequest};

use super::config::HttpConfig;
use crate::MAX_PAYLOAD_BYTES;
use crate::error::ConfigError;
use crate::text::excerpt;

/// Shorter than the 5 seconds after which common servers close an idle connection, so that a request
/// seldom meets a connection that is being closed.
const IDLE_LIMIT: Duration = Duration::from_secs(4);
const CONNECT_LIMIT: Duration = Duration::from_secs(5);
const EXCERPT_BYTES: usize = 4_096;
const EXCERPT: usize = 500;

/// Posts events to one HTTP function, over kept-alive connections.
///
/// Invocations are not limited in number; let the function answer 429 to what it cannot take. Dropping an
/// invocation closes its connection.
pub struct HttpBackend {
    config: HttpConfig,
    url: Uri,
    headers: HeaderMap,
    client: Client<HttpConnector, Full<Bytes>>,
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
        Ok(Self {
            config,
            url,
            headers,
            client,
        })
    }

    async fn exchange(&self, payload: Bytes) -> Result<Bytes, InvokeError> {
        let mut request = Request::new(Full::new(payload));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = self.url.clone();
        request.headers_mut().clone_from(&self.headers);
        let response = self
            .client
            .request(request)
            .await
            .map_err(|error| self.lost(&error))?;
        if response.status().is_success() {
            return read_response(response).await;
        }
        Err(refusal(response).await)
    }

    fn lost(&self, error: &Error) -> InvokeError {
        let kind = if error.is_connect() {
            InvokeErrorKind::Unavailable
        } else {
            InvokeErrorKind::Function
        };
        InvokeError::new(kind, format!("POST {}: {}", self.url, chain(error)))
    }
}

#[async_trait]
impl InvokeBackend for HttpBackend {
    async fn invoke(&self, request: InvokeRequest) -> Result<InvokeAnswer, InvokeError> {
        let exchange = self.exchange(request.payload);
        let answer = tokio::time::timeout(self.config.timeout, exchange).await;
        answer.map_or_else(
            |_| {
                let limit = self.config.timeout.as_secs_f64();
                Err(InvokeError::function(format!(
                    "Task timed out after {limit:.2} seconds"
                )))
            },
            |answer| answer.map(Into::into),
        )
    }

    async fn describe(&self, _function: &FunctionRef) -> Result<FunctionFacts, InvokeError> {
        Ok(FunctionFacts {
            timeout: Some(self.config.timeout),
            concurrency: None,
        })
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

/// Turns an answer that is no success into the kind of its status and the beginning of its body.
async fn refusal(response: Response<Incoming>) -> InvokeError {
    let status = response.status();
    let kind = match status {
        StatusCode::TOO_MANY_REQUESTS => InvokeErrorKind::Throttled {
            retry_after: retry_after(response.headers()),
        },
        StatusCode::PAYLOAD_TOO_LARGE => InvokeErrorKind::TooLarge,
        StatusCode::NOT_FOUND => InvokeErrorKind::NotFound,
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => InvokeErrorKind::Denied,
        StatusCode::BAD_GATEWAY | StatusCode::SERVICE_UNAVAILABLE | StatusCode::GATEWAY_TIMEOUT => {
            InvokeErrorKind::Unavailable
        }
        status if status.is_redirection() => InvokeErrorKind::Unavailable,
        _ => InvokeErrorKind::Function,
    };
    let mut message = format!("the function answered {status}");
    if status.is_redirection()
        && let Some(target) = response.headers().get(LOCATION)
    {
        let target = excerpt(&String::from_utf8_lossy(target.as_bytes()), EXCERPT);
        let target = crate::redact::url(&target);
        message.push_str(&format!(" to {target}, and redirects are not followed"));
    }
    let body = beginning(response.into_body()).await;
    if !body.is_empty() {
        message.push_str(": ");
        message.push_str(&body);
    }
    InvokeError::new(kind, message)
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
    excerpt(&String::from_utf8_lossy(&bytes), EXCERPT)
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
