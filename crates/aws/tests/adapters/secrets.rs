//! Secrets Manager, right and failing in every way.

use lambda_esm_aws::{AwsConfig, SecretsManager};
use lambda_esm_engine::secrets::{SecretErrorKind, SecretResolver};
use serde_json::json;

use crate::fake::{Fake, Reply, reply};

const ARN: &str = "arn:aws:secretsmanager:eu-west-1:000000000000:secret:broker-AbCdEf";

fn at(url: &str) -> SecretsManager {
    let mut config = AwsConfig::default();
    let services = &mut config.endpoints.services;
    services.insert("secretsmanager".to_owned(), url.parse().unwrap());
    SecretsManager::new(config)
}

#[tokio::test]
async fn a_secret_is_asked_for_each_time_as_it_is_now() {
    let text = |text: &str| reply(200, &[], json!({"SecretString": text}).to_string());
    let server = Fake::start([text("one"), text("two")]).await;
    let secrets = at(&server.url);
    for expected in ["one", "two"] {
        assert_eq!(secrets.secret(ARN).await.unwrap().reveal(), expected);
    }
    let seen = server.seen().remove(0);
    assert_eq!(seen.operation(), "GetSecretValue");
    let asked: serde_json::Value = serde_json::from_slice(&seen.body).unwrap();
    assert_eq!(asked, json!({"SecretId": ARN}));
    // Signed for the region of the secret.
    let signature = seen.header("authorization").unwrap();
    assert!(
        signature.contains("/eu-west-1/secretsmanager/aws4_request"),
        "{signature}"
    );
}

#[tokio::test]
async fn what_goes_wrong_is_told_apart_and_names_the_secret() {
    let error = |status, code| {
        let body = json!({"__type": code, "message": "as it is"});
        reply(status, &[], body.to_string())
    };
    let text = |value| reply(200, &[], json!({"SecretString": value}).to_string());
    let cases = [
        (
            error(400, "ResourceNotFoundException"),
            SecretErrorKind::NotFound,
        ),
        (error(400, "AccessDeniedException"), SecretErrorKind::Denied),
        (error(400, "DecryptionFailure"), SecretErrorKind::Denied),
        (
            error(500, "InternalServiceError"),
            SecretErrorKind::Unavailable,
        ),
        (
            error(400, "ThrottlingException"),
            SecretErrorKind::Unavailable,
        ),
        (
            error(400, "InvalidParameterException"),
            SecretErrorKind::Unusable,
        ),
        (Reply::Hangup, SecretErrorKind::Unavailable),
        (
            reply(200, &[], "{\"SecretBinary\":\"aHVudGVyMg==\"}"),
            SecretErrorKind::Unusable,
        ),
        (reply(200, &[], "{}"), SecretErrorKind::Unusable),
        (text("hunter2".repeat(10_000)), SecretErrorKind::Unusable),
    ];
    for (answer, kind) in cases {
        let server = Fake::start([answer.clone()]).await;
        let error = at(&server.url).secret(ARN).await.unwrap_err();
        assert_eq!(error.kind, kind, "{error}");
        assert!(error.message.contains(ARN), "{error}");
        assert!(!error.message.contains("hunter2"), "{error}");
    }
}

#[tokio::test]
async fn only_arns_of_secrets_are_asked_for() {
    let server = Fake::start([reply(200, &[], "{}")]).await;
    for arn in ["broker", "arn:aws:sqs:us-east-1:000000000000:orders"] {
        let error = at(&server.url).secret(arn).await.unwrap_err();
        assert_eq!(error.kind, SecretErrorKind::NotFound);
    }
    assert!(server.seen().is_empty());
}
