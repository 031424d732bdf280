//! User name and password.

use lambda_esm_tests::kafka::{Certificates, Kafka, Listener};
use lambda_esm_tests::ministack;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::scene::{ARN, ARRIVED, RECOVERED, Scene, topic_with};
use crate::secrets_manager::SecretsManager;

const KINDS: [&str; 3] = ["BASIC_AUTH", "SASL_SCRAM_256_AUTH", "SASL_SCRAM_512_AUTH"];

fn login(user: &str, password: &str) -> Value {
    json!({ "username": user, "password": password })
}

/// Returns the members of a configuration with the secrets `ca` and `admin`, those of `more`, and SASL without TLS.
fn members(more: &[(&str, Value)]) -> Value {
    let ca = Certificates::find().unwrap().text("ca.pem");
    let mut secrets = json!({
        format!("{ARN}ca"): { "certificate": ca },
        format!("{ARN}admin"): login("admin", "admin-secret"),
    });
    for (name, value) in more {
        secrets[format!("{ARN}{name}")] = value.clone();
    }
    json!({ "secrets": secrets, "kafka": { "allow_sasl_plaintext": true } })
}

#[tokio::test]
async fn a_password_of_the_configuration_lets_in_by_plain_and_scram_with_and_without_tls() {
    let Some(kafka) = Kafka::shared() else {
        return;
    };
    let (plaintext, tls) = (Listener::SaslPlaintext, Listener::SaslSsl);
    let scene = Scene::start(&members(&[]), &[]).await;
    let (ca, admin) = (format!("{ARN}ca"), format!("{ARN}admin"));
    let mut topics = Vec::new();
    let mut mappings = Vec::new();
    for kind in KINDS {
        for (listener, authority) in [(plaintext, None), (tls, Some(&ca))] {
            let servers = listener.shared().unwrap();
            let value = format!("{kind} {listener:?}");
            let topic = topic_with(&kafka, &value).await;
            let mut access = vec![(kind, admin.as_str())];
            access.extend(authority.map(|arn| ("SERVER_ROOT_CA_CERTIFICATE", arn.as_str())));
            mappings.push((scene.mapping(&servers, topic.name(), &access).await, value));
            topics.push(topic);
        }
    }
    for (mapping, value) in mappings {
        scene.arrives(&value, ARRIVED).await;
        mapping.is_well().await;
    }
    scene.stop(&["admin-secret", "BEGIN CERTIFICATE"]).await;
    // They were needed until here.
    drop(topics);
}

#[tokio::test]
async fn a_wrong_password_is_told_and_one_that_is_corrected_in_secrets_manager_is_picked_up() {
    let (Some(kafka), Some(ministack)) = (Kafka::shared(), ministack()) else {
        return;
    };
    let servers = Listener::SaslSsl.shared().unwrap();
    let manager = SecretsManager::at(&ministack);
    let mut members = members(&[]);
    members["endpoints"] = json!({ "aws": ministack });
    let scene = Scene::start(&members, &[]).await;
    let ca = format!("{ARN}ca");
    let mut topics = Vec::new();
    let mut mappings = Vec::new();
    for kind in KINDS {
        let arn = manager.create(&login("admin", "wrong-secret")).await;
        let topic = topic_with(&kafka, kind).await;
        let access = [(kind, arn.as_str()), ("SERVER_ROOT_CA_CERTIFICATE", &ca)];
        let mapping = scene.mapping(&servers, topic.name(), &access).await;
        topics.push(topic);
        mappings.push((mapping, arn, kind));
    }
    for (mapping, arn, _) in &mappings {
        let words = [servers.as_str(), "check the user name and password"];
        mapping.shows("SASL authentication failed: ", &words).await;
        manager.put(arn, &login("admin", "admin-secret")).await;
    }
    for (mapping, _, value) in mappings {
        scene.arrives(value, RECOVERED).await;
        mapping.is_well().await;
    }
    scene.stop(&["admin-secret", "wrong-secret"]).await;
    // They were needed until here.
    drop(topics);
}

#[tokio::test]
async fn a_password_that_the_broker_takes_later_lets_in_without_a_restart() {
    let Some(kafka) = Kafka::shared() else {
        return;
    };
    let servers = Listener::SaslPlaintext.shared().unwrap();
    let user = format!("user-{}", Uuid::new_v4().simple());
    let members = members(&[("rotated", login(&user, "second-secret"))]);
    kafka.set_password(&user, "first-secret").await;
    let scene = Scene::start(&members, &[]).await;
    let topic = topic_with(&kafka, "rotated").await;
    let access = [("SASL_SCRAM_512_AUTH", &*format!("{ARN}rotated"))];
    let mapping = scene.mapping(&servers, topic.name(), &access).await;
    mapping
        .shows("SASL authentication failed: ", &[&servers])
        .await;
    kafka.set_password(&user, "second-secret").await;
    scene.arrives("rotated", RECOVERED).await;
    mapping.is_well().await;
    scene.stop(&["first-secret", "second-secret"]).await;
}

#[tokio::test]
async fn a_secret_that_is_none_is_told_by_its_name_and_member() {
    let Some(kafka) = Kafka::shared() else {
        return;
    };
    let servers = Listener::SaslPlaintext.shared().unwrap();
    let lacking = json!({ "username": "admin", "passwort": "admin-secret" });
    let members = members(&[("lacking", lacking), ("text", json!("admin:admin-secret"))]);
    let scene = Scene::start(&members, &[]).await;
    let topic = topic_with(&kafka, "never").await;
    for (name, beginning, words) in [
        (
            "lacking",
            "SASL authentication failed: ",
            "member password is missing",
        ),
        (
            "text",
            "SASL authentication failed: ",
            "must be a JSON object",
        ),
        // Nobody is where Secrets Manager is asked.
        ("elsewhere", "", "Secrets Manager"),
    ] {
        let arn = format!("{ARN}{name}");
        let access = [("BASIC_AUTH", arn.as_str())];
        let mapping = scene.mapping(&servers, topic.name(), &access).await;
        mapping.shows(beginning, &[&arn, words]).await;
    }
    scene.stop(&["admin-secret"]).await;
}
