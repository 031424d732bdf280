//! No text that anybody sees holds a secret.

use std::sync::Arc;

use lambda_esm_core::mapping::AccessKind;
use lambda_esm_engine::memory::MemorySecrets;
use lambda_esm_engine::secrets::{SecretResolver as _, SecretText};
use lambda_esm_kafka::{AuthError, Authenticator, ClientSettings};
use serde_json::{Value, json};

use crate::mappings::{arn, self_managed};
use crate::pki::pem;
use crate::token_server::TokenServer;

/// Stands in every secret.
const MARK: &str = "hunter2";

fn check(what: &impl std::fmt::Debug) {
    let shown = format!("{what:?} {what:#?}");
    assert!(!shown.contains(MARK), "{shown}");
}

#[tokio::test]
async fn errors_of_secrets_never_repeat_them() {
    let values = [
        json!(MARK),
        json!([MARK]),
        json!({MARK: MARK}),
        json!(format!("{MARK}\0")),
        json!(format!(
            "-----BEGIN CERTIFICATE-----\n{MARK}\n-----END CERTIFICATE-----\n"
        )),
        json!(format!(
            "-----BEGIN PRIVATE KEY-----\n{MARK}\n-----END PRIVATE KEY-----\n"
        )),
        json!(format!(
            "-----BEGIN ENCRYPTED PRIVATE KEY-----\n{MARK}\n-----END ENCRYPTED PRIVATE KEY-----\n"
        )),
        json!(pem("client.pem")),
        json!("https://127.0.0.1:1/"),
    ];
    let members = [
        "username",
        "password",
        "certificate",
        "privateKey",
        "privateKeyPassword",
        "oauthTokenEndpointUrl",
        "oauthClientId",
        "oauthClientSecret",
        "oauthClientEmail",
        "oauthPrivateKey",
        "oauthTokenExpirationSeconds",
        "oauthIdpCaCertificate",
    ];
    let kinds = [
        AccessKind::BasicAuth,
        AccessKind::ClientCertificateTlsAuth,
        AccessKind::ServerRootCaCertificate,
        AccessKind::OauthbearerAuth,
    ];
    for kind in kinds {
        for text in [MARK, "{\"hunter2\":", "[\"hunter2\"]"] {
            check(&settings(kind, text).await);
        }
        for member in members {
            for value in &values {
                // Each member in turn is there alone, or is another kind of wrong than all others.
                check(&settings(kind, &json!({member: value}).to_string()).await);
                let all = members.iter().map(|name| ((*name).to_owned(), json!(MARK)));
                let mut all: Value = all.collect();
                all[member] = value.clone();
                check(&settings(kind, &all.to_string()).await);
            }
        }
    }
}

async fn settings(kind: AccessKind, text: &str) -> Result<ClientSettings, AuthError> {
    let secrets = MemorySecrets::default();
    secrets.put(&arn("s"), text).unwrap();
    let authenticator = Authenticator::new(Arc::new(secrets));
    let kafka = self_managed(&[(kind, &arn("s"))]);
    authenticator.authenticate(&kafka).await
}

#[tokio::test]
async fn an_endpoint_that_repeats_a_secret_is_not_quoted() {
    let server = TokenServer::plain((401, String::new())).await;
    let secret = json!({
        "oauthTokenEndpointUrl": format!("{}?key={MARK}", server.url),
        "oauthClientId": "id",
        "oauthClientSecret": MARK,
    });
    let secrets = MemorySecrets::default();
    secrets.put(&arn("s"), &secret.to_string()).unwrap();
    let authenticator = Authenticator::new(Arc::new(secrets)).with_allow_sasl_plaintext(true);
    let kafka = self_managed(&[(AccessKind::OauthbearerAuth, &arn("s"))]);
    let bodies = [
        (
            401,
            json!({"error": "no", "error_description": format!("not {MARK}")}),
        ),
        (401, json!({"error": MARK})),
        (500, json!({"error": MARK, "error_description": MARK})),
        (200, json!({"access_token": format!("{MARK} ")})),
        (200, json!({"access_token": [MARK]})),
        (200, json!({"access_token": MARK, "token_type": MARK})),
    ];
    for (status, body) in bodies {
        server.answer(status, &body.to_string());
        let found = authenticator.authenticate(&kafka).await;
        check(&found.unwrap_err());
    }
    server.answer(200, &json!({"access_token": MARK}).to_string());
    let settings = authenticator.authenticate(&kafka).await.unwrap();
    check(&settings);
    check(&settings.tokens().unwrap().token().unwrap());
    check(&authenticator);
}

#[tokio::test]
async fn settings_show_neither_passwords_nor_keys() {
    let secrets = MemorySecrets::default();
    let user = json!({"username": MARK, "password": MARK}).to_string();
    secrets.put(&arn("user"), &user).unwrap();
    check(&secrets);
    check(&secrets.secret(&arn("user")).await.unwrap());
    check(&SecretText::new("arn", format!("{MARK}{}", "x".repeat(70_000))).unwrap_err());
    let authenticator = Authenticator::new(Arc::new(secrets));
    let kafka = self_managed(&[(AccessKind::BasicAuth, &arn("user"))]);
    let settings = authenticator.authenticate(&kafka).await.unwrap();
    check(&settings);
    let shown = format!("{settings:?}");
    assert!(
        shown.contains("SASL_SSL") && shown.contains("PLAIN"),
        "{shown}"
    );
}
