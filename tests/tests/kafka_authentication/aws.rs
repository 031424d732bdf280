//! The AWS identity: tokens for Amazon MSK's IAM, and of STS.

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use jiff::{Timestamp, ToSpan as _};
use lambda_esm_tests::kafka::{Certificates, Kafka, Listener};
use lambda_esm_tests::{Transport, Web, ministack, unsecured_token};
use serde_json::{Value, json};

use crate::scene::{ARN, ARRIVED, Scene, topic_with};

const CLUSTER: &str = "arn:aws:kafka:us-east-1:000000000000:cluster/orders/0a1b2c3d-1";
const KEYS: [(&str, &str); 2] = [
    ("AWS_ACCESS_KEY_ID", "AKIDLOGIN"),
    ("AWS_SECRET_ACCESS_KEY", "signing-secret"),
];

fn secrets() -> Value {
    let certificates = Certificates::find().unwrap();
    json!({ format!("{ARN}ca"): { "certificate": certificates.text("ca.pem") } })
}

#[tokio::test]
async fn iam_lets_in_to_an_msk_cluster_and_to_one_that_is_self_managed() {
    let Some(kafka) = Kafka::shared() else {
        return;
    };
    let servers = Listener::MskIam.shared().unwrap();
    let ca = Certificates::find().unwrap().path("ca.pem");
    let members = json!({
        "secrets": secrets(),
        "endpoints": { "aws": "http://127.0.0.1:1", "arns": { CLUSTER: format!("iam://{servers}") } },
    });
    let mut variables = KEYS.to_vec();
    variables.push(("SSL_CERT_FILE", &ca));
    let scene = Scene::start(&members, &variables).await;
    let topic = topic_with(&kafka, "msk").await;
    let mapping = scene.msk(CLUSTER, topic.name()).await;
    scene.arrives("msk", ARRIVED).await;
    mapping.is_well().await;

    let topic = topic_with(&kafka, "self-managed").await;
    let access = [
        ("IAM_AUTH", ""),
        ("SERVER_ROOT_CA_CERTIFICATE", &*format!("{ARN}ca")),
    ];
    let mapping = scene.mapping(&servers, topic.name(), &access).await;
    scene.arrives("self-managed", ARRIVED).await;
    mapping.is_well().await;
    scene.stop(&["signing-secret", "X-Amz-Signature"]).await;
}

#[tokio::test]
async fn an_msk_cluster_that_refuses_iam_or_is_not_trusted_is_told() {
    let Some(kafka) = Kafka::shared() else {
        return;
    };
    // Its tokens are not those of Amazon MSK.
    let servers = Listener::SaslSsl.shared().unwrap();
    let iam = Listener::MskIam.shared().unwrap();
    let other = format!("{CLUSTER}2");
    let members = json!({
        "secrets": secrets(),
        "endpoints": { "aws": "http://127.0.0.1:1", "arns": { CLUSTER: format!("iam://{iam}"), &other: iam } },
    });
    let scene = Scene::start(&members, &KEYS).await;
    let topic = topic_with(&kafka, "never").await;
    let access = [
        ("IAM_AUTH", ""),
        ("SERVER_ROOT_CA_CERTIFICATE", &*format!("{ARN}ca")),
    ];
    let refused = scene.mapping(&servers, topic.name(), &access).await;
    let untrusted = scene.msk(CLUSTER, topic.name()).await;
    // Without `iam://` it is taken for a listener without encryption.
    let plaintext = scene.msk(&other, topic.name()).await;
    refused
        .shows("SASL authentication failed: ", &[&servers])
        .await;
    untrusted
        .shows("Lambda failed to authenticate server: ", &[&iam])
        .await;
    plaintext.shows("", &[&iam, "protocol"]).await;
    scene.stop(&["signing-secret", "X-Amz-Signature"]).await;
}

/// Serves `GetWebIdentityToken` with this token.
async fn sts(token: String) -> Web {
    Web::start(Transport::Plain, move |_: Request<Bytes>| {
        let expiration = Timestamp::now() + 5.minutes();
        let answer = format!(
            "<GetWebIdentityTokenResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">\
             <GetWebIdentityTokenResult><WebIdentityToken>{token}</WebIdentityToken><Expiration>{expiration}</Expiration>\
             </GetWebIdentityTokenResult></GetWebIdentityTokenResponse>"
        );
        async {
            let response = Response::builder().header("content-type", "text/xml");
            response.body(Full::from(answer)).unwrap()
        }
    })
    .await
}

#[tokio::test]
async fn a_token_of_sts_lets_in_and_one_that_the_broker_does_not_take_is_told() {
    let (Some(kafka), Some(ministack)) = (Kafka::shared(), ministack()) else {
        return;
    };
    let servers = Listener::SaslSsl.shared().unwrap();
    let hour = std::time::Duration::from_secs(3600);
    let good = sts(unsecured_token("admin", Timestamp::now(), hour)).await;
    let expired = sts(unsecured_token("admin", Timestamp::now() - 2.hours(), hour)).await;
    let ca = format!("{ARN}ca");
    let access = [
        ("IAM_OAUTHBEARER_AUTH", ""),
        ("OAUTHBEARER_AUDIENCE", "brokers"),
        ("SERVER_ROOT_CA_CERTIFICATE", ca.as_str()),
    ];
    // The broker takes no signed tokens, which are what ministack gives.
    for (endpoint, is_right) in [
        (good.url(), true),
        (expired.url(), false),
        (ministack, false),
    ] {
        let members = json!({
            "secrets": secrets(),
            "endpoints": { "aws": "http://127.0.0.1:1", "sts": endpoint },
        });
        let scene = Scene::start(&members, &KEYS).await;
        let topic = topic_with(&kafka, "sts").await;
        let mapping = scene.mapping(&servers, topic.name(), &access).await;
        if is_right {
            scene.arrives("sts", ARRIVED).await;
            mapping.is_well().await;
        } else {
            let beginning = "SASL authentication failed: ";
            mapping.shows(beginning, &[&servers]).await;
        }
        scene.stop(&["signing-secret", "eyJ"]).await;
    }
}
