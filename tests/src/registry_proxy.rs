//! A schema registry that asks who one is.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{Request, Response, StatusCode, Uri};
use http_body_util::{BodyExt as _, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;

use crate::kafka::Certificates;
use crate::web::{Transport, Web};

/// What the registry asks a client for.
#[derive(Clone, Debug)]
pub enum RegistryAccess {
    /// A user name and a password.
    Basic(String, String),
    /// A bearer token.
    Bearer(String),
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
            RegistryAccess::Basic(..) | RegistryAccess::Bearer(_) => Transport::Plain,
            RegistryAccess::ClientCertificate => Transport::MutualTls(certificates),
            RegistryAccess::Tls => Transport::Tls(certificates),
        };
        let expected = match access {
            RegistryAccess::Basic(user, password) => {
                let login = STANDARD.encode(format!("{user}:{password}"));
                Some(format!("Basic {login}"))
            }
            RegistryAccess::Bearer(token) => Some(format!("Bearer {token}")),
            RegistryAccess::ClientCertificate | RegistryAccess::Tls => None,
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

struct Upstream {
    registry: String,
    expected: Option<String>,
    client: Client<HttpConnector, Full<Bytes>>,
}

impl Upstream {
    async fn answer(&self, request: Request<Bytes>) -> Response<Full<Bytes>> {
        let given = request.headers().get("authorization");
        let is_known = self.expected.as_ref().is_none_or(|expected| {
            given.is_some_and(|given| given.as_bytes() == expected.as_bytes())
        });
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
