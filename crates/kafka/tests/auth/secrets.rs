//! Secrets that are not what they should be.

use std::sync::Arc;

use lambda_esm_core::fault::ReasonCode;
use lambda_esm_core::mapping::AccessKind;
use lambda_esm_engine::memory::MemorySecrets;
use lambda_esm_kafka::{AuthError, AuthErrorKind, Authenticator, ConnectionProblem};
use serde_json::{Value, json};

use crate::mappings::{arn, self_managed};
use crate::pki::{PASSWORD, pem};

/// Returns the error for a secret with this text.
async fn error(kind: AccessKind, text: &str) -> AuthError {
    let secrets = MemorySecrets::default();
    secrets.put(&arn("s"), text).unwrap();
    let authenticator = Authenticator::new(Arc::new(secrets));
    let kafka = self_managed(&[(kind, &arn("s"))]);
    let settings = authenticator.authenticate(&kafka).await;
    settings.expect_err(text)
}

fn member(name: &str, rule: &str) -> String {
    format!("secret {}: member {name} {rule}", arn("s"))
}

const MISSING: &str = "is missing or empty; add it";

#[tokio::test]
async fn user_names_and_passwords_are_checked() {
    let object = format!(
        "secret {} must be a JSON object; see that it was stored as key/value pairs",
        arn("s")
    );
    let table = [
        ("no JSON".to_owned(), object.clone()),
        ("[]".to_owned(), object.clone()),
        ("\"u\"".to_owned(), object),
        ("{}".to_owned(), member("username", MISSING)),
        (
            json!({"username": "u"}).to_string(),
            member("password", MISSING),
        ),
        (
            json!({"username": "u", "password": ""}).to_string(),
            member("password", MISSING),
        ),
        (
            json!({"username": "u", "password": null}).to_string(),
            member("password", MISSING),
        ),
        (
            json!({"username": 5, "password": "p"}).to_string(),
            member("username", "must be text"),
        ),
        (
            json!({"username": "u\0", "password": "p"}).to_string(),
            member("username", "holds a NUL character"),
        ),
        (
            json!({"Username": "u", "password": "p"}).to_string(),
            member("username", MISSING),
        ),
    ];
    for (text, expected) in table {
        let error = error(AccessKind::SaslScram512Auth, &text).await;
        assert_eq!(error.message, expected, "{text}");
        assert_eq!(error.problem, Some(ConnectionProblem::SaslFailed));
        assert_eq!(error.kind, AuthErrorKind::Credentials);
    }
}

#[tokio::test]
async fn certificates_and_keys_are_checked() {
    let (chain, key) = (pem("client.pem"), pem("client.key"));
    let no_pem = "must be a chain of X.509 certificates in PEM";
    let not_its_key =
        "must be the private key of the first certificate in `certificate`, in PKCS#8";
    let pbes2 = "is encrypted by PBES2, which Lambda does not take; convert it with `openssl pkcs8 -topk8 -v1 \
                 PBE-SHA1-3DES`";
    let of = |certificate: &str, key: &str, password: Value| json!({"certificate": certificate, "privateKey": key, "privateKeyPassword": password});
    let table = [
        (json!({"privateKey": key}), member("certificate", MISSING)),
        (json!({"certificate": chain}), member("privateKey", MISSING)),
        (of("x", &key, Value::Null), member("certificate", no_pem)),
        (of(&key, &key, Value::Null), member("certificate", no_pem)),
        (
            of(
                "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
                &key,
                Value::Null,
            ),
            member("privateKey", not_its_key),
        ),
        (
            of(&chain, "x", Value::Null),
            member("privateKey", "must be a PKCS#8 key in PEM"),
        ),
        (
            of(&chain, &pem("server.key"), Value::Null),
            member("privateKey", not_its_key),
        ),
        (
            of(&chain, &pem("client-pbes1.key"), Value::Null),
            member(
                "privateKeyPassword",
                "is missing or empty, and the private key is encrypted",
            ),
        ),
        (
            of(&chain, &pem("client-pbes2.key"), PASSWORD.into()),
            member("privateKey", pbes2),
        ),
    ];
    for (secret, expected) in table {
        let error = error(AccessKind::ClientCertificateTlsAuth, &secret.to_string()).await;
        assert_eq!(error.message, expected);
        let problem = Some(ConnectionProblem::InvalidCertificate);
        assert_eq!(error.problem, problem);
        assert_eq!(error.reason_code(), Some(ReasonCode::ConfigNotValid));
    }
}

#[tokio::test]
async fn a_certificate_authority_is_checked() {
    let rule = "must be X.509 certificates in PEM";
    for (text, rule) in [
        ("{}".to_owned(), MISSING),
        (json!({"certificate": "x"}).to_string(), rule),
        (
            json!({"certificate": "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"})
                .to_string(),
            rule,
        ),
    ] {
        let error = error(AccessKind::ServerRootCaCertificate, &text).await;
        assert_eq!(error.message, member("certificate", rule));
        assert_eq!(error.problem, Some(ConnectionProblem::InvalidCertificate));
    }
}

#[tokio::test]
async fn the_fields_of_an_oauth_secret_say_which_grant_it_is() {
    let url = "https://127.0.0.1:1/token";
    let key = pem("client.key");
    let with = |more: Value| {
        let mut secret = json!({"oauthTokenEndpointUrl": url, "oauthClientId": "id"});
        secret
            .as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        secret
    };
    let both = "must not stand beside oauthClientSecret: one is for the JWT bearer grant, the other for client \
                credentials; remove one";
    let none = "is missing; add it for client credentials, or oauthClientEmail and oauthPrivateKey for the JWT bearer \
                grant";
    let not_https = "must be an https URL without a user name";
    let not_rsa = "must be an RSA private key in PEM, not encrypted";
    let table = [
        (with(json!({})), member("oauthClientSecret", none)),
        (
            with(json!({"oauthClientSecret": "s", "oauthClientEmail": "e"})),
            member("oauthClientEmail", both),
        ),
        (
            with(json!({"oauthClientSecret": "s", "oauthPrivateKey": key})),
            member("oauthPrivateKey", both),
        ),
        (
            with(json!({"oauthClientSecret": "s", "oauthTokenExpirationSeconds": 60})),
            member("oauthTokenExpirationSeconds", both),
        ),
        (
            with(json!({"oauthClientEmail": "e"})),
            member("oauthPrivateKey", MISSING),
        ),
        (
            with(json!({"oauthPrivateKey": key})),
            member("oauthClientEmail", MISSING),
        ),
        (
            with(json!({"oauthPrivateKey": pem("ec.key"), "oauthClientEmail": "e"})),
            member("oauthPrivateKey", not_rsa),
        ),
        (
            with(json!({"oauthPrivateKey": pem("client-pbes1.key"), "oauthClientEmail": "e"})),
            member("oauthPrivateKey", not_rsa),
        ),
        (
            with(
                json!({"oauthPrivateKey": key, "oauthClientEmail": "e", "oauthTokenExpirationSeconds": 0}),
            ),
            member("oauthTokenExpirationSeconds", "must be 1 to 86400 seconds"),
        ),
        (
            with(
                json!({"oauthPrivateKey": key, "oauthClientEmail": "e", "oauthTokenExpirationSeconds": "x"}),
            ),
            member("oauthTokenExpirationSeconds", "must be a whole number"),
        ),
        (
            with(json!({"oauthClientSecret": "s", "oauthIdpCaCertificate": "x"})),
            member("oauthIdpCaCertificate", "must be X.509 certificates in PEM"),
        ),
        (
            with(json!({"oauthClientSecret": "s", "oauthTokenEndpointUrl": "http://h/token"})),
            member("oauthTokenEndpointUrl", not_https),
        ),
        (
            with(json!({"oauthClientSecret": "s", "oauthTokenEndpointUrl": "https://me:pw@h/"})),
            member("oauthTokenEndpointUrl", not_https),
        ),
        (
            with(json!({"oauthClientSecret": "s", "oauthTokenEndpointUrl": "nowhere"})),
            member("oauthTokenEndpointUrl", not_https),
        ),
        (
            json!({"oauthTokenEndpointUrl": url, "oauthClientSecret": "s"}),
            member("oauthClientId", MISSING),
        ),
    ];
    for (secret, expected) in table {
        let error = error(AccessKind::OauthbearerAuth, &secret.to_string()).await;
        assert_eq!(error.message, expected);
        assert_eq!(error.problem, Some(ConnectionProblem::SaslFailed));
    }
}
