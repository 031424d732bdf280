//! Certificates: the clients' and the brokers'.

use lambda_esm_tests::kafka::{Certificates, Kafka, Listener};
use lambda_esm_tests::ministack;
use serde_json::{Value, json};

use crate::scene::{ARN, ARRIVED, RECOVERED, Scene, topic_with};
use crate::secrets_manager::SecretsManager;

const CLIENT: &str = "CLIENT_CERTIFICATE_TLS_AUTH";
const AUTHORITY: &str = "SERVER_ROOT_CA_CERTIFICATE";

fn client(certificate: &str, key: &str, password: Option<&str>) -> Value {
    let certificates = Certificates::find().unwrap();
    let mut secret = json!({
        "certificate": certificates.text(certificate),
        "privateKey": certificates.text(key),
    });
    if let Some(password) = password {
        secret["privateKeyPassword"] = json!(password);
    }
    secret
}

fn authority(name: &str) -> Value {
    json!({ "certificate": Certificates::find().unwrap().text(name) })
}

/// Returns the members of a configuration with the secrets `ca` and `other-ca`, and those of `more`.
fn members(more: &[(&str, Value)]) -> Value {
    let mut secrets = json!({
        format!("{ARN}ca"): authority("ca.pem"),
        format!("{ARN}other-ca"): authority("other-ca.pem"),
    });
    for (name, value) in more {
        secrets[format!("{ARN}{name}")] = value.clone();
    }
    json!({ "secrets": secrets })
}

#[tokio::test]
async fn a_client_certificate_lets_in_also_one_whose_key_is_encrypted() {
    let Some(kafka) = Kafka::shared() else {
        return;
    };
    let servers = Listener::Mtls.shared().unwrap();
    let scene = Scene::start(
        &members(&[
            ("open", client("client.pem", "client.key", None)),
            (
                "pbes1",
                client("client.pem", "client-secret.key", Some("key-secret")),
            ),
        ]),
        &[],
    )
    .await;
    let ca = format!("{ARN}ca");
    for name in ["open", "pbes1"] {
        let topic = topic_with(&kafka, name).await;
        let access = [(CLIENT, &*format!("{ARN}{name}")), (AUTHORITY, &ca)];
        let mapping = scene.mapping(&servers, topic.name(), &access).await;
        scene.arrives(name, ARRIVED).await;
        mapping.is_well().await;
    }
    scene.stop(&["key-secret", "BEGIN"]).await;
}

#[tokio::test]
async fn a_client_certificate_that_the_broker_does_not_take_is_told() {
    let Some(kafka) = Kafka::shared() else {
        return;
    };
    let servers = Listener::Mtls.shared().unwrap();
    let scene = Scene::start(
        &members(&[
            ("stranger", client("stranger.pem", "stranger.key", None)),
            ("expired", client("expired.pem", "expired.key", None)),
        ]),
        &[],
    )
    .await;
    let ca = format!("{ARN}ca");
    let topic = topic_with(&kafka, "never").await;
    let mut mappings = Vec::new();
    for name in [None, Some("stranger"), Some("expired")] {
        let arn = name.map(|name| format!("{ARN}{name}"));
        let mut access = vec![(AUTHORITY, ca.as_str())];
        access.extend(arn.as_deref().map(|arn| (CLIENT, arn)));
        mappings.push(scene.mapping(&servers, topic.name(), &access).await);
    }
    for mapping in mappings {
        let beginning = "Server failed to authenticate Lambda: ";
        mapping.shows(beginning, &[&servers, CLIENT]).await;
    }
    scene.stop(&["BEGIN"]).await;
}

#[tokio::test]
async fn a_certificate_or_key_that_cannot_be_used_is_told_and_a_corrected_one_is_picked_up() {
    let (Some(kafka), Some(ministack)) = (Kafka::shared(), ministack()) else {
        return;
    };
    let servers = Listener::Mtls.shared().unwrap();
    let manager = SecretsManager::at(&ministack);
    let mut members = members(&[]);
    members["endpoints"] = json!({ "aws": ministack });
    let scene = Scene::start(&members, &[]).await;
    let ca = format!("{ARN}ca");
    let mut topics = Vec::new();
    let mut mappings = Vec::new();
    for (name, secret) in [
        ("other key", client("client.pem", "stranger.key", None)),
        (
            "no password",
            client("client.pem", "client-secret.key", None),
        ),
        (
            "wrong password",
            client("client.pem", "client-secret.key", Some("wrong-secret")),
        ),
        (
            "PBES2",
            client("client.pem", "client-secret-2.key", Some("key-secret")),
        ),
        (
            "no PEM",
            json!({ "certificate": "none", "privateKey": "none" }),
        ),
    ] {
        let arn = manager.create(&secret).await;
        let topic = topic_with(&kafka, name).await;
        let access = [(CLIENT, arn.as_str()), (AUTHORITY, &ca)];
        let mapping = scene.mapping(&servers, topic.name(), &access).await;
        topics.push(topic);
        mappings.push((mapping, arn, name));
    }
    for (mapping, arn, _) in &mappings {
        let beginning = "Provided certificate or private key is invalid: ";
        mapping.shows(beginning, &[]).await;
        let right = client("client.pem", "client.key", None);
        manager.put(arn, &right).await;
    }
    for (mapping, _, value) in mappings {
        scene.arrives(value, RECOVERED).await;
        mapping.is_well().await;
    }
    scene.stop(&["key-secret", "wrong-secret", "BEGIN "]).await;
    // They were needed until here.
    drop(topics);
}

#[tokio::test]
async fn a_broker_whose_authority_is_not_known_is_told_and_the_right_one_is_picked_up() {
    let (Some(kafka), Some(ministack)) = (Kafka::shared(), ministack()) else {
        return;
    };
    let servers = Listener::Tls.shared().unwrap();
    let manager = SecretsManager::at(&ministack);
    let mut members = members(&[]);
    members["endpoints"] = json!({ "aws": ministack });
    let scene = Scene::start(&members, &[]).await;
    let arn = manager.create(&authority("other-ca.pem")).await;
    let topic = topic_with(&kafka, "trusted").await;
    let access = [(AUTHORITY, arn.as_str())];
    let mapping = scene.mapping(&servers, topic.name(), &access).await;
    let beginning = "Lambda failed to authenticate server: ";
    mapping.shows(beginning, &[&servers, AUTHORITY]).await;
    manager.put(&arn, &authority("ca.pem")).await;
    scene.arrives("trusted", RECOVERED).await;
    mapping.is_well().await;
    scene.stop(&[]).await;
}
