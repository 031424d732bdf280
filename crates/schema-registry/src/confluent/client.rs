//! Requests to a registry.

use std::collections::{HashSet, VecDeque};
use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, LOCATION};
use http::{HeaderValue, Request, Response, StatusCode, Uri};
use http_body_util::{BodyExt, Empty, LengthLimitError, Limited};
use hyper::body::Incoming;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use lambda_esm_core::excerpt::{LONGEST_TEXT, excerpt};
use lambda_esm_core::text;
use lambda_esm_engine::patience::within;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::answers::{ReferenceAnswer, SchemaAnswer, refusal};
use super::config::{Authorization, ConfluentConfig, ConfluentConfigError};
use super::tls::client_config;
use crate::limits::{ALL_BYTES, REFERENCE_DEPTH, REFERENCES, SCHEMA_BYTES};
use crate::lookup::{LookupError, SchemaLookup};
use crate::schema::{Reference, RegisteredSchema, SchemaId};

const CONNECT: Duration = Duration::from_millis(3_100);
/// Shorter than the 5 seconds after which common servers close an idle connection.
const IDLE: Duration = Duration::from_secs(4);
/// A text in JSON may have twice its bytes.
const ANSWER_BYTES: usize = 2 * SCHEMA_BYTES + 64 * 1024;
const ACCEPTED: HeaderValue =
    HeaderValue::from_static("application/vnd.schemaregistry.v1+json, application/json");
/// What a subject may keep in a path.
const IN_PATH: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');
/// Shorter texts are found in any sentence, and no secrets.
const SHORTEST_SECRET: usize = 4;

/// A registry with Confluent's API. Connects when it is first asked, to this host alone: redirections and proxies
/// are not followed.
#[derive(Clone)]
pub struct ConfluentRegistry {
    /// Without the slash at its end.
    url: String,
    authorization: Authorization,
    patience: Duration,
    client: Client<HttpsConnector<HttpConnector>, Empty<Bytes>>,
}

impl fmt::Debug for ConfluentRegistry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConfluentRegistry")
            .field("url", &self.url)
            .finish_non_exhaustive()
    }
}

impl ConfluentRegistry {
    /// Returns the registry of a configuration.
    ///
    /// # Errors
    /// Fails if the URL or a certificate cannot be used.
    pub fn new(config: &ConfluentConfig) -> Result<Self, ConfluentConfigError> {
        let url = base_url(&config.url).map_err(|reason| ConfluentConfigError::Url {
            url: text::url(&config.url).into_owned(),
            reason,
        })?;
        let tls = client_config(config, url.starts_with("https:"))?;
        let mut tcp = HttpConnector::new();
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        tcp.set_connect_timeout(Some(CONNECT.min(config.patience)));
        let connector = HttpsConnectorBuilder::new()
            .with_tls_config(tls)
            .https_or_http()
            .enable_http1()
            .wrap_connector(tcp);
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE)
            .build(connector);
        Ok(Self {
            url,
            authorization: config.authorization.clone(),
            patience: config.patience,
            client,
        })
    }

    async fn look_up(&self, number: u32) -> Result<RegisteredSchema, LookupError> {
        let mut answer = self.get(&format!("/schemas/ids/{number}")).await?;
        let format = answer.format().map_err(|other| {
            let other = excerpt(other, LONGEST_TEXT);
            self.unavailable(&format!(
                "says that schema {number} is {other:?}, and not AVRO, PROTOBUF or JSON"
            ))
        })?;
        let direct = answer.references();
        let references = self.references(number, direct).await?;
        Ok(RegisteredSchema::new(format, answer.schema).with_references(references))
    }

    /// Gets what a schema refers to, directly and indirectly, one after the other.
    async fn references(
        &self,
        number: u32,
        direct: Vec<ReferenceAnswer>,
    ) -> Result<Vec<Reference>, LookupError> {
        let mut names = HashSet::new();
        let mut found = Vec::new();
        let mut bytes = 0;
        let mut open = VecDeque::new();
        let mut further = (direct, 1);
        loop {
            let (references, depth) = further;
            for reference in references {
                if names.insert(reference.name.clone()) {
                    open.push_back((reference, depth));
                }
            }
            let Some((reference, depth)) = open.pop_front() else {
                return Ok(found);
            };
            if depth > REFERENCE_DEPTH || names.len() > REFERENCES || bytes > ALL_BYTES {
                return Err(self.unavailable(&format!(
                    "has a schema {number} with more than {REFERENCES} references, or more than {REFERENCE_DEPTH} \
                     deep, or more than {ALL_BYTES} bytes"
                )));
            }
            let subject = utf8_percent_encode(&reference.subject, IN_PATH);
            // One that was deleted since is still what the schema means.
            let path = format!(
                "/subjects/{subject}/versions/{}?deleted=true",
                reference.version
            );
            let mut answer = self.get(&path).await?;
            further = (answer.references(), depth + 1);
            bytes += answer.schema.len();
            found.push(Reference::new(reference.name, answer.schema));
        }
    }

    async fn get(&self, path: &str) -> Result<SchemaAnswer, LookupError> {
        let mut request = Request::new(Empty::new());
        let uri = format!("{}{path}", self.url).parse::<Uri>();
        *request.uri_mut() = uri.map_err(|error| self.unavailable(&error.to_string()))?;
        request.headers_mut().insert(ACCEPT, ACCEPTED);
        let authorization = self.authorization().await?;
        if let Some(authorization) = &authorization {
            let headers = request.headers_mut();
            headers.insert(AUTHORIZATION, authorization.header.clone());
        }
        let response = self.client.request(request).await;
        let response = response
            .map_err(|error| self.unavailable(&format!("cannot be reached: {}", causes(&error))))?;
        self.read(path, response, authorization.as_ref()).await
    }

    async fn read(
        &self,
        path: &str,
        response: Response<Incoming>,
        authorization: Option<&Sent>,
    ) -> Result<SchemaAnswer, LookupError> {
        let (head, body) = response.into_parts();
        let body = match Limited::new(body, ANSWER_BYTES).collect().await {
            Ok(body) => body.to_bytes(),
            Err(error) if error.is::<LengthLimitError>() => {
                return Err(self.unavailable(&format!(
                    "answers {path} with more than {ANSWER_BYTES} bytes"
                )));
            }
            Err(error) => {
                let causes = causes(error.as_ref());
                return Err(self.unavailable(&format!("breaks off its answer: {causes}")));
            }
        };
        if head.status == StatusCode::OK {
            return serde_json::from_slice(&body).map_err(|error| {
                self.unavailable(&format!("answers {path} with what is no schema: {error}"))
            });
        }
        if head.status.is_redirection() {
            let location = head.headers.get(LOCATION);
            let location = location.and_then(|location| location.to_str().ok());
            let location = excerpt(location.unwrap_or_default(), LONGEST_TEXT);
            return Err(self.unavailable(&format!(
                "redirects to {location:?}, which is not followed: set SchemaRegistryURI to where it is"
            )));
        }
        let refusal = refusal(head.status, &body);
        let said = authorization.map_or_else(
            || refusal.text.clone(),
            |sent| sent.without_secret(&refusal.text),
        );
        let said = excerpt(&said, LONGEST_TEXT);
        if refusal.is_missing {
            return Err(LookupError::NotFound(format!(
                "schema registry {} says of {path}: {said}",
                self.url
            )));
        }
        if head.status == StatusCode::UNAUTHORIZED
            && let (Authorization::Bearer(tokens), Some(sent)) =
                (&self.authorization, authorization)
        {
            tokens.refused(&sent.secret).await;
        }
        Err(self.unavailable(&format!("refuses {path}: {} {said}", head.status.as_u16())))
    }

    async fn authorization(&self) -> Result<Option<Sent>, LookupError> {
        let (secret, value) = match &self.authorization {
            Authorization::None => return Ok(None),
            Authorization::Basic { user, password } => {
                let encoded = BASE64_STANDARD.encode(format!("{user}:{password}"));
                (password.clone(), format!("Basic {encoded}"))
            }
            Authorization::Bearer(tokens) => {
                let token = tokens.token().await.map_err(|error| {
                    self.unavailable(&format!("needs a token, and there is none: {error}"))
                })?;
                let value = format!("Bearer {token}");
                (token, value)
            }
        };
        let mut header = HeaderValue::try_from(value)
            .map_err(|_| self.unavailable("needs a token, and what there is cannot be one"))?;
        header.set_sensitive(true);
        Ok(Some(Sent { secret, header }))
    }

    fn unavailable(&self, what: &str) -> LookupError {
        LookupError::Unavailable(format!("schema registry {} {what}", self.url))
    }
}

/// What was sent to authenticate.
struct Sent {
    secret: String,
    header: HeaderValue,
}

impl Sent {
    /// Leaves out of an answer what only we and the registry know: servers repeat what they were sent.
    fn without_secret(&self, said: &str) -> String {
        let header = self.header.to_str().unwrap_or_default();
        let encoded = header.split_once(' ').map_or("", |(_, encoded)| encoded);
        let mut said = said.to_owned();
        for secret in [encoded, &self.secret] {
            if secret.len() >= SHORTEST_SECRET {
                said = said.replace(secret, "...");
            }
        }
        said
    }
}

#[async_trait]
impl SchemaLookup for ConfluentRegistry {
    async fn schema(&self, id: SchemaId) -> Result<RegisteredSchema, LookupError> {
        let SchemaId::Confluent(number) = id else {
            return Err(self.unavailable(&format!("numbers its schemas, and {id} is no number")));
        };
        let found = within(self.patience, self.look_up(number)).await;
        found.unwrap_or_else(|| {
            let seconds = self.patience.as_secs_f32();
            Err(self.unavailable(&format!("gave no answer within {seconds} seconds")))
        })
    }
}

/// Checks a URL and cuts the slash at its end. Says what is wrong with it.
fn base_url(url: &str) -> Result<String, &'static str> {
    let parsed: Uri = url.parse().map_err(|_| "is no URL")?;
    if !matches!(parsed.scheme_str(), Some("http" | "https")) {
        return Err("must begin with http:// or https://");
    }
    let authority = parsed.authority().ok_or("names no host")?;
    if authority.as_str().contains('@') {
        return Err("holds credentials; give them as BASIC_AUTH in AccessConfigs");
    }
    if parsed.query().is_some() {
        return Err("must end with its path; requests have queries of their own");
    }
    Ok(url.trim_end_matches('/').to_owned())
}

/// What an error says, and what caused it.
fn causes(error: &(dyn std::error::Error + 'static)) -> String {
    let chain = std::iter::successors(Some(error), |error| error.source());
    let words: Vec<_> = chain.map(ToString::to_string).collect();
    excerpt(&words.join(": "), LONGEST_TEXT)
}
