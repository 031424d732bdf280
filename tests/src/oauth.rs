//! A server that gives out OAuth tokens.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use bytes::Bytes;
use http::{HeaderMap, Request, Response, StatusCode};
use http_body_util::Full;
use jiff::Timestamp;
use percent_encoding::percent_decode_str;
use serde_json::{Value, json};
use tokio::time::sleep;

use crate::kafka::Certificates;
use crate::web::{Transport, Web};

/// The grant of an assertion (RFC 7523, section 2.1).
const JWT_BEARER: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";

/// What a client asked for.
#[derive(Clone, Debug)]
pub struct TokenRequest {
    /// The path that it asked at.
    pub path: String,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its form.
    pub form: BTreeMap<String, String>,
}

/// How the server answers.
#[derive(Clone, Debug)]
struct Manner {
    subject: String,
    lifetime: Duration,
    delay: Duration,
    failure: Option<(StatusCode, Value)>,
}

#[derive(Debug)]
struct State {
    manner: Manner,
    requests: Vec<TokenRequest>,
}

/// A token endpoint, for the client `client` with the secret `client-secret` and for any assertion of the form of a JWT. Its
/// tokens are [unsecured](unsecured_token), for the subject `admin` and an hour until told otherwise.
#[derive(Debug)]
pub struct TokenServer {
    web: Web,
    state: Arc<Mutex<State>>,
}

impl TokenServer {
    /// Starts it without encryption.
    pub async fn start() -> Self {
        Self::start_at(Transport::Plain).await
    }

    /// Starts it with TLS, with a certificate of the tests' authority.
    pub async fn start_with_tls(certificates: &Certificates) -> Self {
        Self::start_at(Transport::Tls(certificates)).await
    }

    async fn start_at(transport: Transport<'_>) -> Self {
        let manner = Manner {
            subject: "admin".to_owned(),
            lifetime: Duration::from_secs(3600),
            delay: Duration::ZERO,
            failure: None,
        };
        let requests = Vec::new();
        let state = Arc::new(Mutex::new(State { manner, requests }));
        let shared = state.clone();
        let answer = move |request| answer(shared.clone(), request);
        let web = Web::start(transport, answer).await;
        Self { web, state }
    }

    /// Returns the URL of the endpoint.
    #[must_use]
    pub fn url(&self) -> String {
        format!("{}/oauth2/token", self.web.url())
    }

    /// Returns what it was asked so far.
    #[must_use]
    pub fn requests(&self) -> Vec<TokenRequest> {
        lock(&self.state).requests.clone()
    }

    /// Says how long its tokens are good.
    pub fn set_lifetime(&self, lifetime: Duration) {
        lock(&self.state).manner.lifetime = lifetime;
    }

    /// Says whom its tokens are for: the user that the broker then takes the client for.
    pub fn set_subject(&self, subject: &str) {
        subject.clone_into(&mut lock(&self.state).manner.subject);
    }

    /// Has it answer only after some time.
    pub fn set_delay(&self, delay: Duration) {
        lock(&self.state).manner.delay = delay;
    }

    /// Has it refuse every request, with a status and a body.
    ///
    /// # Panics
    /// Panics if `status` is none.
    pub fn fail(&self, status: u16, body: Value) {
        let status = StatusCode::from_u16(status).unwrap();
        lock(&self.state).manner.failure = Some((status, body));
    }

    /// Ends that.
    pub fn succeed(&self) {
        lock(&self.state).manner.failure = None;
    }
}

async fn answer(state: Arc<Mutex<State>>, request: Request<Bytes>) -> Response<Full<Bytes>> {
    let asked = TokenRequest {
        path: request.uri().path().to_owned(),
        headers: request.headers().clone(),
        form: form(request.body()),
    };
    let manner = {
        let mut state = lock(&state);
        state.requests.push(asked.clone());
        state.manner.clone()
    };
    sleep(manner.delay).await;
    let (status, body) = manner
        .failure
        .clone()
        .unwrap_or_else(|| grant(&asked, &manner));
    let response = Response::builder()
        .status(status)
        .header("content-type", "application/json");
    response.body(Full::from(body.to_string())).unwrap()
}

/// Answers by RFC 6749, sections 5.1 and 5.2.
fn grant(asked: &TokenRequest, manner: &Manner) -> (StatusCode, Value) {
    let refused = |status, error: &str| (status, json!({ "error": error }));
    match asked.form.get("grant_type").map(String::as_str) {
        Some("client_credentials") if !knows_secret(asked) => {
            return refused(StatusCode::UNAUTHORIZED, "invalid_client");
        }
        Some(JWT_BEARER) if !has_assertion(asked) => {
            return refused(StatusCode::BAD_REQUEST, "invalid_grant");
        }
        Some("client_credentials" | JWT_BEARER) => {}
        Some(_) => return refused(StatusCode::BAD_REQUEST, "unsupported_grant_type"),
        None => return refused(StatusCode::BAD_REQUEST, "invalid_request"),
    }
    let token = unsecured_token(&manner.subject, Timestamp::now(), manner.lifetime);
    let seconds = manner.lifetime.as_secs();
    let body = json!({ "access_token": token, "token_type": "Bearer", "expires_in": seconds });
    (StatusCode::OK, body)
}

/// Looks for the client's secret in the header of Basic authentication and in the form (RFC 6749, section 2.3.1).
fn knows_secret(asked: &TokenRequest) -> bool {
    let basic = format!("Basic {}", STANDARD.encode("client:client-secret"));
    let header = asked.headers.get("authorization");
    let field = |name: &str| asked.form.get(name).map(String::as_str);
    header.is_some_and(|given| given.as_bytes() == basic.as_bytes())
        || (field("client_id"), field("client_secret")) == (Some("client"), Some("client-secret"))
}

fn has_assertion(asked: &TokenRequest) -> bool {
    let assertion = asked.form.get("assertion");
    assertion.is_some_and(|jwt| jwt.split('.').filter(|part| !part.is_empty()).count() == 3)
}

fn form(body: &[u8]) -> BTreeMap<String, String> {
    let text = String::from_utf8_lossy(body);
    let decode = |text: &str| {
        let text = text.replace('+', " ");
        percent_decode_str(&text).decode_utf8_lossy().into_owned()
    };
    let pairs = text.split('&').filter_map(|pair| pair.split_once('='));
    pairs
        .map(|(name, value)| (decode(name), decode(value)))
        .collect()
}

fn lock(state: &Mutex<State>) -> std::sync::MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Returns a token that is not signed (RFC 7519, section 6), as the tests' brokers take it.
#[must_use]
pub fn unsecured_token(subject: &str, issued: Timestamp, lifetime: Duration) -> String {
    let issued = issued.as_second();
    let expires = issued + i64::try_from(lifetime.as_secs()).unwrap();
    let header = json!({ "alg": "none" }).to_string();
    let claims = json!({ "sub": subject, "iat": issued, "exp": expires }).to_string();
    let encode = |part: &str| URL_SAFE_NO_PAD.encode(part);
    format!("{}.{}.", encode(&header), encode(&claims))
}
