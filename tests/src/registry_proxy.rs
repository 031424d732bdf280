//! A schema registry that asks who one is.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use bytes::Bytes;
use http::{Request, Response, StatusCode, Uri};
use http_body_util::{BodyExt as _, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use jiff::Timestamp;
use serde_json::Value;

use crate::kafka::Certificates;
use crate::web::{Transport, Web};

/// What the registry asks a client for.
#[derive(Clone, Debug)]
pub enum RegistryAccess {
    /// A user name and a password.
    Basic(String, String),
    /// A bearer token.
    Bearer(String),
    /// A bearer token for this subject, which is good now and need not be signed.
    Subject(String),
    /// A certificate of the tests' authority, over TLS.
    ClientCertificate,
    /// Nothing; but the client needs to know the tests' authority.
    Tls,
}

/// A proxy in front of a registry that asks for nothing. Passes on what has what it asks for, and answers 401 to the rest.
#[derive(Debug)]
pub struct RegistryProxy {
    web: Web,
}

impl RegistryProxy {
    /// Starts a proxy in front of the registry at `registry`, an `http://` URL without a path.
    pub async fn start(
        registry: &str,
        access: RegistryAccess,
        certificates: &Certificates,
    ) -> Self {
        let transport = match access {
            RegistryAccess::Basic(..) | RegistryAccess::Bearer(_) | RegistryAccess::Subject(_) => {
                Transport::Plain
            }
            RegistryAccess::ClientCertificate => Transport::MutualTls(certificates),
            RegistryAccess::Tls => Transport::Tls(certificates),
        };
        let expected = match access {
            RegistryAccess::Basic(user, password) => {
                let login = STANDARD.encode(format!("{user}:{password}"));
                Expected::Header(format!("Basic {login}"))
            }
            RegistryAccess::Bearer(token) => Expected::Header(format!("Bearer {token}")),
            RegistryAccess::Subject(subject) => Expected::Subject(subject),
            RegistryAccess::ClientCertificate | RegistryAccess::Tls => Expected::Anything,
        };
        let upstream = Arc::new(Upstream {
            registry: registry.trim_end_matches('/').to_owned(),
            expected,
            client: Client::builder(TokioExecutor::new()).build_http(),
        });
        let answer = move |request| {
            let upstream = upstream.clone();
            async move { upstream.answer(request).await }
        };
        let web = Web::start(transport, answer).await;
        Self { web }
    }

    /// Returns its URL, without a path.
    #[must_use]
    pub fn url(&self) -> String {
        self.web.url()
    }
}

/// What an `authorization` must be.
enum Expected {
    Anything,
    Header(String),
    Subject(String),
}

/// Returns the subject of a token that has not expired.
fn subject(token: &str) -> Option<String> {
    let claims = URL_SAFE_NO_PAD.decode(token.split('.').nth(1)?).ok()?;
    let claims: Value = serde_json::from_slice(&claims).ok()?;
    let is_good = claims["exp"].as_i64()? > Timestamp::now().as_second();
    is_good.then(|| claims["sub"].as_str().map(str::to_owned))?
}

struct Upstream {
    registry: String,
    expected: Expected,
    client: Client<HttpConnector, Full<Bytes>>,
}

impl Upstream {
    async fn answer(&self, request: Request<Bytes>) -> Response<Full<Bytes>> {
        let given = request.headers().get("authorization");
        let given = given.and_then(|given| given.to_str().ok());
        let is_known = match &self.expected {
            Expected::Anything => true,
            Expected::Header(expected) => given == Some(expected),
            Expected::Subject(expected) => given
                .and_then(|given| subject(given.strip_prefix("Bearer ")?))
                .is_some_and(|subject| subject == *expected),
        };
        if !is_known {
            let body = r#"{"error_code":401,"message":"Unauthorized"}"#;
            return refusal(StatusCode::UNAUTHORIZED, body);
        }
        let (mut head, body) = request.into_parts();
        let path = head.uri.path_and_query().map_or("/", |path| path.as_str());
        head.uri = format!("{}{path}", self.registry).parse::<Uri>().unwrap();
        for name in ["host", "authorization", "connection"] {
            head.headers.remove(name);
        }
        let request = Request::from_parts(head, Full::from(body));
        let Ok(response) = self.client.request(request).await else {
            return refusal(StatusCode::BAD_GATEWAY, "{}");
        };
        let (mut head, body) = response.into_parts();
        let Ok(body) = body.collect().await else {
            return refusal(StatusCode::BAD_GATEWAY, "{}");
        };
        // The body is sent whole, whatever it came in.
        head.headers.remove("transfer-encoding");
        Response::from_parts(head, Full::from(body.to_bytes()))
    }
}

fn refusal(status: StatusCode, body: &'static str) -> Response<Full<Bytes>> {
    let response = Response::builder()
        .status(status)
        .header("content-type", "application/json");
    response.body(Full::from(body)).unwrap()
}
