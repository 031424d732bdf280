//! Requests to a registry with Confluent's API.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use http::HeaderMap;
use lambda_esm_schema_registry::{
    BearerTokens, ConfluentConfig, ConfluentRegistry, DataFormat, LookupError, Reference,
    RegisteredSchema, SchemaLookup, TokenError,
};
use serde_json::json;

use crate::server::{Reply, SEVEN, Seen, Server};

async fn ask(config: &ConfluentConfig) -> Result<RegisteredSchema, LookupError> {
    ConfluentRegistry::new(config).unwrap().schema(SEVEN).await
}

/// The text of a failure after which the registry is asked again.
async fn unavailable(config: &ConfluentConfig) -> String {
    match ask(config).await {
        Err(LookupError::Unavailable(text)) => text,
        other => panic!("{other:?}"),
    }
}

fn int() -> Reply {
    Reply::Json(200, json!({"schema": "\"int\""}).to_string())
}

fn error(code: u32) -> String {
    json!({"error_code": code, "message": "said so"}).to_string()
}

fn authorization(headers: &HeaderMap) -> &str {
    let header = headers.get("authorization");
    header.map_or("", |value| value.to_str().unwrap())
}

#[tokio::test]
async fn a_schema_is_read_with_all_that_it_refers_to() {
    let server = Server::start(|(path, _)| {
        let refer = |name: &str, version: u32| json!({"name": name, "subject": format!("s/{name} é"), "version": version});
        let answer = match path.as_str() {
            "/base/path/schemas/ids/7" => json!({"schema": "main", "schemaType": "PROTOBUF", "id": 7,
                "references": [refer("a", 1), refer("b", 2)]}),
            "/base/path/subjects/s%2Fa%20%C3%A9/versions/1?deleted=true" => json!({"schema": "text of a",
                "subject": "a", "references": [refer("b", 2), refer("c", 3)]}),
            "/base/path/subjects/s%2Fb%20%C3%A9/versions/2?deleted=true" => json!({"schema": "text of b",
                "references": [refer("a", 1)]}),
            "/base/path/subjects/s%2Fc%20%C3%A9/versions/3?deleted=true" => json!({"schema": "text of c"}),
            other => panic!("{other}"),
        };
        Reply::Json(200, answer.to_string())
    })
    .await;
    let config = ConfluentConfig::new(format!("{}/base/path/", server.url()));
    let schema = ask(&config).await.unwrap();
    let expected = ["a", "b", "c"].map(|name| Reference::new(name, format!("text of {name}")));
    assert_eq!(
        schema,
        RegisteredSchema::new(DataFormat::Protobuf, "main").with_references(expected.into())
    );
    assert_eq!(server.paths().len(), 4);
}

#[tokio::test]
async fn only_the_codes_of_a_registry_say_that_there_is_no_schema() {
    for (code, is_missing) in [
        (40_401, true),
        (40_402, true),
        (40_403, true),
        (404, false),
        (50_001, false),
    ] {
        let server = Server::start(move |_| Reply::Json(404, error(code))).await;
        let url = server.url();
        let failure = ask(&ConfluentConfig::new(&url)).await.unwrap_err();
        let expected = if is_missing {
            LookupError::NotFound(format!(
                "schema registry {url} says of /schemas/ids/7: said so ({code})"
            ))
        } else {
            LookupError::Unavailable(format!(
                "schema registry {url} refuses /schemas/ids/7: 404 said so ({code})"
            ))
        };
        assert_eq!(failure, expected);
    }
}

#[tokio::test]
async fn a_missing_reference_is_a_missing_schema() {
    let server = Server::start(|(path, _)| match path.as_str() {
        "/schemas/ids/7" => {
            let references = json!([{"name": "a", "subject": "s", "version": 1}]);
            Reply::Json(
                200,
                json!({"schema": "", "references": references}).to_string(),
            )
        }
        _ => Reply::Json(404, error(40_402)),
    })
    .await;
    let failure = ask(&ConfluentConfig::new(server.url())).await.unwrap_err();
    assert!(matches!(failure, LookupError::NotFound(_)), "{failure}");
    assert!(
        failure.to_string().contains("/subjects/s/versions/1"),
        "{failure}"
    );
}

#[tokio::test]
async fn whatever_else_is_answered_is_asked_again_later() {
    let too_long = json!({"schema": "x".repeat(3 << 20)}).to_string();
    for (status, body, words) in [
        (
            500,
            error(50_001),
            "refuses /schemas/ids/7: 500 said so (50001)",
        ),
        (
            401,
            "<html>who are you?".to_owned(),
            "refuses /schemas/ids/7: 401 <html>who are you?",
        ),
        (
            403,
            error(40_301),
            "refuses /schemas/ids/7: 403 said so (40301)",
        ),
        (
            404,
            "not here".to_owned(),
            "refuses /schemas/ids/7: 404 not here",
        ),
        (
            200,
            "<html>".to_owned(),
            "answers /schemas/ids/7 with what is no schema",
        ),
        (
            200,
            "{}".to_owned(),
            "answers /schemas/ids/7 with what is no schema",
        ),
        (200, too_long, "answers /schemas/ids/7 with more than"),
        (
            200,
            json!({"schema": "", "schemaType": "XML"}).to_string(),
            "says that schema 7 is \"XML\", and not AVRO, PROTOBUF or JSON",
        ),
    ] {
        let server = Server::start(move |_| Reply::Json(status, body.clone())).await;
        let text = unavailable(&ConfluentConfig::new(server.url())).await;
        let expected = format!("schema registry {} {words}", server.url());
        assert!(text.starts_with(&expected), "{text}");
    }
}

#[tokio::test]
async fn references_without_end_are_not_followed() {
    let deep = Server::start(|(path, _)| {
        let name = path.len().to_string();
        let subject = format!("{}x", path.split('/').nth(2).unwrap_or_default());
        let references = json!([{"name": name, "subject": subject, "version": 1}]);
        Reply::Json(
            200,
            json!({"schema": "", "references": references}).to_string(),
        )
    })
    .await;
    let text = unavailable(&ConfluentConfig::new(deep.url())).await;
    assert!(
        text.ends_with(
            "with more than 200 references, or more than 16 deep, or more than 8388608 bytes"
        ),
        "{text}"
    );
    assert_eq!(deep.paths().len(), 17);
    let wide = Server::start(|_| {
        let one = |at: u32| json!({"name": at.to_string(), "subject": "s", "version": at});
        let references: Vec<_> = (0..1_000).map(one).collect();
        Reply::Json(
            200,
            json!({"schema": "", "references": references}).to_string(),
        )
    })
    .await;
    let text = unavailable(&ConfluentConfig::new(wide.url())).await;
    assert!(
        text.ends_with(
            "with more than 200 references, or more than 16 deep, or more than 8388608 bytes"
        ),
        "{text}"
    );
    assert_eq!(wide.paths().len(), 1);
    let long = Server::start(|_| {
        let one = |at: u32| json!({"name": at.to_string(), "subject": "s", "version": at});
        let references: Vec<_> = (0..20).map(one).collect();
        let schema = "x".repeat(1 << 20);
        Reply::Json(
            200,
            json!({"schema": schema, "references": references}).to_string(),
        )
    })
    .await;
    let text = unavailable(&ConfluentConfig::new(long.url())).await;
    assert!(text.ends_with("or more than 8388608 bytes"), "{text}");
    assert_eq!(long.paths().len(), 10);
}

#[tokio::test]
async fn a_redirection_is_not_followed() {
    let other = Server::start(|_| int()).await;
    let to = format!("{}/schemas/ids/7", other.url());
    let server = Server::start(move |_| Reply::Redirect(to.clone())).await;
    let text = unavailable(&ConfluentConfig::new(server.url())).await;
    assert!(text.contains("redirects to"), "{text}");
    assert!(
        text.ends_with("set SchemaRegistryURI to where it is"),
        "{text}"
    );
    assert!(other.paths().is_empty());
}

#[tokio::test]
async fn a_registry_that_does_not_answer_is_waited_for_up_to_the_patience() {
    let server = Server::start(|_| Reply::Never).await;
    let config = ConfluentConfig::new(server.url()).with_patience(Duration::from_millis(200));
    let text = unavailable(&config).await;
    assert!(
        text.ends_with("gave no answer within 0.2 seconds"),
        "{text}"
    );
}

#[tokio::test]
async fn a_registry_that_is_down_is_named() {
    let server = Server::start(|_| int()).await;
    let url = server.url();
    drop(server);
    let text = unavailable(&ConfluentConfig::new(&url)).await;
    assert!(
        text.starts_with(&format!("schema registry {url} cannot be reached: ")),
        "{text}"
    );
}

#[tokio::test]
async fn a_user_and_password_are_sent_and_never_shown() {
    let asks = |(_, headers): &Seen| match authorization(headers) {
        "Basic dXNlcjpodW50ZXIy" => int(),
        other => Reply::Json(401, format!("{other} hunter3 aHVudGVyMw== is wrong")),
    };
    let server = Server::start(asks).await;
    let right = ConfluentConfig::new(server.url()).with_basic("user", "hunter2");
    assert!(ask(&right).await.is_ok());
    let wrong = ConfluentConfig::new(server.url()).with_basic("user", "hunter3");
    let text = unavailable(&wrong).await;
    assert!(
        text.contains("refuses /schemas/ids/7: 401 Basic ... ... "),
        "{text}"
    );
    let shown = format!("{wrong:?} {:?}", ConfluentRegistry::new(&wrong).unwrap());
    for secret in ["hunter3", "dXNlcjpodW50ZXIz"] {
        assert!(
            !text.contains(secret) && !shown.contains(secret),
            "{text} {shown}"
        );
    }
}

/// Hands out numbered tokens, a new one when the last was refused.
#[derive(Default)]
struct Tokens(AtomicUsize);

#[async_trait]
impl BearerTokens for Tokens {
    async fn token(&self) -> Result<String, TokenError> {
        Ok(format!("token-{}", self.0.load(Ordering::Relaxed)))
    }

    async fn refused(&self, token: &str) {
        assert_eq!(token, "token-0");
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

struct NoTokens;

#[async_trait]
impl BearerTokens for NoTokens {
    async fn token(&self) -> Result<String, TokenError> {
        Err(TokenError("the token server is down".to_owned()))
    }
}

#[tokio::test]
async fn a_refused_token_is_told_to_who_made_it() {
    let server = Server::start(|(_, headers)| match authorization(headers) {
        "Bearer token-1" => int(),
        other => Reply::Json(401, other.to_owned()),
    })
    .await;
    let config = ConfluentConfig::new(server.url()).with_bearer(Arc::<Tokens>::default());
    let registry = ConfluentRegistry::new(&config).unwrap();
    let refused = registry.schema(SEVEN).await.unwrap_err().to_string();
    assert!(
        refused.ends_with("refuses /schemas/ids/7: 401 Bearer ..."),
        "{refused}"
    );
    assert!(registry.schema(SEVEN).await.is_ok());
}

#[tokio::test]
async fn without_a_token_the_registry_is_not_asked() {
    let server = Server::start(|_| int()).await;
    let config = ConfluentConfig::new(server.url()).with_bearer(Arc::new(NoTokens));
    let text = unavailable(&config).await;
    let words = "needs a token, and there is none: the token server is down";
    assert!(text.ends_with(words), "{text}");
    assert!(server.paths().is_empty());
}

#[test]
fn a_url_that_cannot_be_used_is_refused_without_its_secrets() {
    for (url, words) in [
        ("", "SchemaRegistryURI \"\" is no URL"),
        ("localhost:8081", "must begin with http:// or https://"),
        (
            "ftp://host",
            "SchemaRegistryURI \"ftp://host\" must begin with http:// or https://",
        ),
        (
            "https://user:hunter2@host",
            "holds credentials; give them as BASIC_AUTH in AccessConfigs",
        ),
        (
            "https://host?key=hunter2",
            "must end with its path; requests have queries of their own",
        ),
    ] {
        let error = ConfluentRegistry::new(&ConfluentConfig::new(url)).unwrap_err();
        let text = error.to_string();
        assert!(text.ends_with(words), "{text}");
        assert!(!text.contains("hunter2"), "{text}");
    }
}
