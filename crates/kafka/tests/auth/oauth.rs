//! Tokens of an OAuth server.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use lambda_esm_core::Timestamp;
use lambda_esm_core::mapping::AccessKind;
use lambda_esm_engine::Clock;
use lambda_esm_engine::memory::MemorySecrets;
use lambda_esm_kafka::{
    AuthError, AuthErrorKind, Authenticator, ClientSettings, ConnectionProblem,
};
use serde_json::{Value, json};

use crate::mappings::{arn, self_managed};
use crate::pki::{is_signed_by_client, pem};
use crate::token_server::TokenServer;

const NOW: Timestamp = Timestamp(1_700_000_000_000);

pub(crate) fn granted(token: &str, expires_in: Value) -> (u16, String) {
    let body = json!({"access_token": token, "token_type": "bearer", "expires_in": expires_in});
    (200, body.to_string())
}

pub(crate) fn client_credentials(url: &str) -> Value {
    json!({
        "oauthTokenEndpointUrl": url,
        "oauthClientId": "the client",
        "oauthClientSecret": "s3cret:+",
    })
}

pub(crate) async fn authenticated(
    secret: &Value,
    more: &[(AccessKind, &str)],
) -> Result<ClientSettings, AuthError> {
    let secrets = MemorySecrets::default();
    secrets.put(&arn("oauth"), &secret.to_string()).unwrap();
    let authenticator = Authenticator::new(Arc::new(secrets))
        .with_clock(Clock::starting_at(NOW))
        .with_allow_sasl_plaintext(true);
    let oauth = arn("oauth");
    let mut entries = vec![(AccessKind::OauthbearerAuth, &*oauth)];
    entries.extend(more);
    authenticator.authenticate(&self_managed(&entries)).await
}

#[tokio::test]
async fn client_credentials_are_sent_as_the_standard_says() {
    let server = TokenServer::plain(granted("tok", json!(120))).await;
    let more = [
        (AccessKind::OauthbearerScope, "kafka read"),
        (AccessKind::OauthbearerAudience, "brokers"),
        (AccessKind::OauthbearerLogicalCluster, "lkc-1"),
        (AccessKind::OauthbearerIdentityPool, "pool-1"),
    ];
    let settings = authenticated(&client_credentials(&server.url), &more).await;
    let settings = settings.unwrap();
    assert_eq!(settings.property("sasl.mechanism"), Some("OAUTHBEARER"));
    let asked = server.asked().remove(0);
    let form: Vec<_> = asked
        .form
        .iter()
        .map(|(name, value)| (&**name, &**value))
        .collect();
    let expected = [
        ("audience", "brokers"),
        ("grant_type", "client_credentials"),
        ("scope", "kafka read"),
    ];
    assert_eq!(form, expected);
    // RFC 6749, section 2.3.1.
    let basic = STANDARD.encode("the+client:s3cret%3A%2B");
    assert_eq!(asked.headers["authorization"], format!("Basic {basic}"));
    let token = settings.tokens().unwrap().token().unwrap();
    assert_eq!((&*token.text, &*token.principal), ("tok", "the client"));
    assert_eq!(token.expires.since(NOW).as_secs(), 120);
    let extensions = [
        ("logicalCluster".to_owned(), "lkc-1".to_owned()),
        ("identityPoolId".to_owned(), "pool-1".to_owned()),
    ];
    assert_eq!(token.extensions, extensions);
}

#[tokio::test]
async fn an_assertion_is_signed_by_the_key_of_the_secret() {
    let server = TokenServer::plain(granted("tok", json!("60"))).await;
    for (name, key) in [("pkcs8", "client.key"), ("pkcs1", "client-pkcs1.key")] {
        let secret = json!({
            "oauthTokenEndpointUrl": server.url,
            "oauthClientId": "id",
            "oauthClientEmail": "svc@example.com",
            "oauthPrivateKey": pem(key),
            "oauthTokenExpirationSeconds": 90,
        });
        let more = [(AccessKind::OauthbearerScope, "kafka")];
        authenticated(&secret, &more).await.unwrap();
        let asked = server.asked().pop().unwrap();
        assert!(!asked.headers.contains_key("authorization"));
        let grant = "urn:ietf:params:oauth:grant-type:jwt-bearer";
        assert_eq!(asked.form["grant_type"], grant);
        assert_eq!(asked.form["client_id"], "id");
        assert_eq!(asked.form["scope"], "kafka");
        let assertion = &asked.form["assertion"];
        let (signed, signature) = assertion.rsplit_once('.').unwrap();
        let signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
        assert!(is_signed_by_client(signed.as_bytes(), &signature, name));
        let altered = signed.replacen('.', ".x", 1);
        assert!(!is_signed_by_client(altered.as_bytes(), &signature, name));
        let part = |text: &str| -> Value {
            serde_json::from_slice(&URL_SAFE_NO_PAD.decode(text).unwrap()).unwrap()
        };
        let (header, payload) = signed.split_once('.').unwrap();
        assert_eq!(part(header), json!({"alg": "RS256", "typ": "JWT"}));
        let claims = json!({
            "iss": "svc@example.com",
            "sub": "svc@example.com",
            "aud": server.url,
            "iat": 1_700_000_000,
            "exp": 1_700_000_090,
            "scope": "kafka",
        });
        assert_eq!(part(payload), claims);
    }
}

#[tokio::test]
async fn an_assertion_is_for_the_audience_that_the_mapping_names() {
    let server = TokenServer::plain(granted("tok", json!(60))).await;
    let secret = json!({
        "oauthTokenEndpointUrl": server.url,
        "oauthClientId": "id",
        "oauthClientEmail": "svc@example.com",
        "oauthPrivateKey": pem("client.key"),
    });
    let more = [(AccessKind::OauthbearerAudience, "brokers")];
    authenticated(&secret, &more).await.unwrap();
    let asked = server.asked().remove(0);
    let payload = asked.form["assertion"].split('.').nth(1).unwrap();
    let payload = URL_SAFE_NO_PAD.decode(payload).unwrap();
    let claims: Value = serde_json::from_slice(&payload).unwrap();
    assert_eq!(claims["aud"], "brokers");
    assert_eq!(claims["exp"], 1_700_000_300);
}

#[tokio::test]
async fn a_private_authority_of_the_endpoint_is_trusted_and_no_other() {
    let server = TokenServer::tls(granted("tok", json!(60))).await;
    let with = |ca: Option<&str>| {
        let mut secret = client_credentials(&server.url);
        secret["oauthIdpCaCertificate"] = ca.map(pem).into();
        secret
    };
    let right = authenticated(&with(Some("ca.pem")), &[]).await.unwrap();
    assert_eq!(right.tokens().unwrap().token().unwrap().text, "tok");
    for wrong in [Some("other-ca.pem"), None] {
        let error = authenticated(&with(wrong), &[]).await.unwrap_err();
        assert_eq!(error.kind, AuthErrorKind::Unavailable);
        let expected = format!("cannot get a token from token endpoint {}: ", server.url);
        assert!(error.message.starts_with(&expected), "{error}");
        assert!(error.message.contains("certificate"), "{error}");
    }
    assert_eq!(server.asked().len(), 1);
}

#[tokio::test]
async fn what_endpoints_answer_is_told_apart() {
    let server = TokenServer::plain((200, String::new())).await;
    let refused = json!({"error": "invalid_client", "error_description": "who?"}).to_string();
    let sasl = Some(ConnectionProblem::SaslFailed);
    let (credentials, unavailable) = (AuthErrorKind::Credentials, AuthErrorKind::Unavailable);
    let cases = [
        (
            401,
            refused.as_str(),
            credentials,
            sasl,
            "with status 401: invalid_client: who?; see",
        ),
        (
            400,
            "<html>",
            credentials,
            sasl,
            "refused a token with status 400; see",
        ),
        (
            302,
            "",
            credentials,
            sasl,
            "refused a token with status 302; see",
        ),
        (
            429,
            "",
            unavailable,
            None,
            "refused a token with status 429",
        ),
        (
            503,
            "",
            unavailable,
            None,
            "refused a token with status 503",
        ),
        (
            200,
            "{}",
            credentials,
            sasl,
            "answered without an access_token",
        ),
        (
            200,
            "no JSON",
            credentials,
            sasl,
            "answered without an access_token",
        ),
        (
            200,
            r#"{"access_token":""}"#,
            credentials,
            sasl,
            "not printable ASCII",
        ),
        (
            200,
            r#"{"access_token":"a b"}"#,
            credentials,
            sasl,
            "not printable ASCII",
        ),
        (
            200,
            r#"{"access_token":"a","token_type":"mac"}"#,
            credentials,
            sasl,
            "not of the type Bearer",
        ),
    ];
    for (status, body, kind, problem, text) in cases {
        server.answer(status, body);
        let error = authenticated(&client_credentials(&server.url), &[]).await;
        let error = error.unwrap_err();
        assert_eq!((error.kind, error.problem), (kind, problem), "{error}");
        assert!(error.message.contains(text), "{error}");
        assert!(error.message.contains(&server.url), "{error}");
    }
    server.answer(200, &"x".repeat(300 * 1024));
    let error = authenticated(&client_credentials(&server.url), &[]).await;
    let error = error.unwrap_err();
    assert!(error.message.contains("more than 262144 bytes"), "{error}");
    let nobody = client_credentials("http://127.0.0.1:1/token");
    let error = authenticated(&nobody, &[]).await.unwrap_err();
    assert_eq!(error.kind, unavailable);
    assert_eq!(error.reason_code(), None);
}

#[tokio::test]
async fn a_token_lives_as_long_as_the_answer_or_the_token_itself_says() {
    let jwt = |claims: Value| {
        let part = |value: Value| URL_SAFE_NO_PAD.encode(value.to_string());
        format!("{}.{}.", part(json!({"alg": "none"})), part(claims))
    };
    let own = jwt(json!({"sub": "robot", "exp": 1_700_000_045.5}));
    let past = jwt(json!({"exp": 1}));
    let forever = jwt(json!({"exp": 1e300}));
    let server = TokenServer::plain((200, String::new())).await;
    let month = 30 * 86_400;
    let cases = [
        (&*own, json!(120), 120, "robot"),
        (&own, Value::Null, 45, "robot"),
        (&own, json!(-5), 45, "robot"),
        ("opaque", Value::Null, 300, "the client"),
        (&past, Value::Null, 300, "the client"),
        (&forever, Value::Null, month, "the client"),
        ("opaque", json!(u64::MAX), month, "the client"),
    ];
    for (token, life, seconds, principal) in cases {
        let (status, body) = granted(token, life);
        server.answer(status, &body);
        let settings = authenticated(&client_credentials(&server.url), &[]).await;
        let token = settings.unwrap().tokens().unwrap().token().unwrap();
        let life = token.expires.since(NOW).as_secs();
        assert_eq!((life, &*token.principal), (seconds, principal));
    }
}

#[tokio::test]
async fn a_rotated_oauth_secret_is_read_for_the_next_token() {
    let server = TokenServer::plain(granted("first", json!(3600))).await;
    let secrets = Arc::new(MemorySecrets::default());
    let mut secret = client_credentials(&server.url);
    secrets.put(&arn("oauth"), &secret.to_string()).unwrap();
    let authenticator =
        Authenticator::new(Arc::clone(&secrets) as _).with_allow_sasl_plaintext(true);
    let kafka = self_managed(&[(AccessKind::OauthbearerAuth, &arn("oauth"))]);
    let before = authenticator.authenticate(&kafka).await.unwrap();
    assert_eq!(before, authenticator.authenticate(&kafka).await.unwrap());
    secret["oauthClientSecret"] = "rotated".into();
    secrets.put(&arn("oauth"), &secret.to_string()).unwrap();
    let (status, body) = granted("second", json!(3600));
    server.answer(status, &body);
    let tokens = before.tokens().unwrap();
    tokens.renew();
    // The renewal is a task that has to have its turn.
    let renewed = async {
        while tokens.token().unwrap().text != "second" {
            tokio::task::yield_now().await;
        }
    };
    let bound = std::time::Duration::from_secs(10);
    tokio::time::timeout(bound, renewed).await.unwrap();
    let basic = STANDARD.encode("the+client:rotated");
    let asked = server.asked().pop().unwrap();
    assert_eq!(asked.headers["authorization"], format!("Basic {basic}"));
    assert_ne!(before, authenticator.authenticate(&kafka).await.unwrap());
}

#[tokio::test]
async fn a_schema_registry_gets_tokens_by_the_same_secret() {
    let server = TokenServer::plain(granted("tok", json!(60))).await;
    let secrets = MemorySecrets::default();
    let secret = client_credentials(&server.url).to_string();
    secrets.put(&arn("oauth"), &secret).unwrap();
    let authenticator = Authenticator::new(Arc::new(secrets)).with_allow_sasl_plaintext(true);
    let tokens = authenticator.tokens(&arn("oauth")).await.unwrap();
    assert_eq!(tokens.token().unwrap().text, "tok");
}
