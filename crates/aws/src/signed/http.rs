//! Connections, with and without TLS.

use std::error::Error as _;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Request, StatusCode};
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::proxy::matcher::{Intercept, Matcher};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use lambda_esm_engine::patience::within;
use rustls::crypto::aws_lc_rs;

use super::proxy::ProxyConnector;
use crate::service_endpoint::ServiceEndpoint;
use crate::text::with_causes;

/// How long a connection may take to open; just beyond the first retransmission of a lost packet.
const CONNECT: Duration = Duration::from_millis(3_100);
/// A function may be silent for 15 minutes, and routers forget silent connections sooner than that.
const KEEP_ALIVE: Duration = Duration::from_secs(60);
/// Idle connections kept for each host. A mapping uses at most 1,250 at a time.
const IDLE_CONNECTIONS: usize = 256;
const IDLE_TIME: Duration = Duration::from_secs(20);
/// Without TLS it is not AWS: shorter than the 5 seconds after which common servers close an idle
/// connection, for a request that meets a connection being closed counts as one that may have run.
const IDLE_TIME_PLAIN: Duration = Duration::from_secs(4);

/// An answer, read to its end.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

/// Why there is no answer.
#[derive(Debug)]
pub(crate) enum Unanswered {
    /// The server could not be reached, or did not take the request; in words.
    Unsent(String),
    /// The connection broke when the request had been sent, or a part of it; in words.
    Broken(String),
    /// The time is up.
    Late,
    /// The body is larger than the limit.
    TooLong,
}

/// A pool of connections.
#[derive(Clone, Debug)]
pub(crate) struct HttpClient {
    connections: Connections,
    proxies: Option<Arc<Matcher>>,
}

#[derive(Clone, Debug)]
enum Connections {
    Plain(Client<ProxyConnector, Full<Bytes>>),
    Tls(Client<HttpsConnector<ProxyConnector>, Full<Bytes>>),
}

impl HttpClient {
    /// Returns a client for `endpoint` and calls that may take so long. Reads the root certificates of this
    /// machine if the endpoint needs them.
    pub(crate) fn new(endpoint: &ServiceEndpoint, patience: Duration) -> io::Result<Self> {
        // What stays on this machine needs no proxy.
        let proxies = (!endpoint.is_loopback()).then(|| Arc::new(Matcher::from_env()));
        let connect = ProxyConnector::new(connector(patience), proxies.clone());
        let connections = if endpoint.is_tls() {
            let tls = HttpsConnectorBuilder::new()
                .with_provider_and_native_roots(aws_lc_rs::default_provider())?
                .https_only()
                .enable_http1()
                .wrap_connector(connect);
            Connections::Tls(builder(IDLE_TIME).build(tls))
        } else {
            Connections::Plain(builder(IDLE_TIME_PLAIN).build(connect))
        };
        Ok(Self {
            connections,
            proxies,
        })
    }

    /// Sends a request and reads the answer, of at most `limit` bytes, within `time`.
    pub(crate) async fn send(
        &self,
        request: Request<Full<Bytes>>,
        time: Duration,
        limit: usize,
    ) -> Result<Answer, Unanswered> {
        within(time, self.exchange(request, limit))
            .await
            .unwrap_or(Err(Unanswered::Late))
    }

    async fn exchange(
        &self,
        mut request: Request<Full<Bytes>>,
        limit: usize,
    ) -> Result<Answer, Unanswered> {
        let response = match &self.connections {
            Connections::Plain(client) => {
                let proxies = self.proxies.as_ref();
                let proxy = proxies.and_then(|proxies| proxies.intercept(request.uri()));
                if let Some(user) = proxy.as_ref().and_then(Intercept::basic_auth) {
                    let headers = request.headers_mut();
                    headers.insert(http::header::PROXY_AUTHORIZATION, user.clone());
                }
                client.request(request).await
            }
            Connections::Tls(client) => client.request(request).await,
        };
        let response = response.map_err(|error| {
            let words = with_causes(&error);
            if error.is_connect() || was_never_sent(&error) {
                Unanswered::Unsent(words)
            } else {
                Unanswered::Broken(words)
            }
        })?;
        let (head, body) = response.into_parts();
        let body = match Limited::new(body, limit).collect().await {
            Ok(body) => body.to_bytes(),
            Err(error) if error.is::<LengthLimitError>() => return Err(Unanswered::TooLong),
            Err(error) => return Err(Unanswered::Broken(with_causes(error.as_ref()))),
        };
        Ok(Answer {
            status: head.status,
            headers: head.headers,
            body,
        })
    }
}

/// Tells whether the connection was gone before the request was begun.
fn was_never_sent(error: &hyper_util::client::legacy::Error) -> bool {
    let cause = error.source().and_then(|cause| cause.downcast_ref());
    cause.is_some_and(hyper::Error::is_canceled)
}

fn builder(idle_time: Duration) -> hyper_util::client::legacy::Builder {
    let mut builder = Client::builder(TokioExecutor::new());
    builder
        .pool_timer(TokioTimer::new())
        .pool_idle_timeout(idle_time)
        .pool_max_idle_per_host(IDLE_CONNECTIONS);
    builder
}

fn connector(patience: Duration) -> HttpConnector {
    let mut connector = HttpConnector::new();
    // Well before the function's timeout, to tell a host that is away from a function that is slow.
    connector.set_connect_timeout(Some(CONNECT.min(patience / 2)));
    connector.set_keepalive(Some(KEEP_ALIVE));
    connector.set_nodelay(true);
    connector.enforce_http(false);
    connector
}
