//! Tokens of an OAuth server.

use std::time::Duration;

use jiff::{Timestamp, ToSpan as _};
use lambda_esm_tests::kafka::{Certificates, Kafka, Listener, Topic};
use lambda_esm_tests::{TokenServer, ministack, unsecured_token};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use crate::scene::{ARN, ARRIVED, RECOVERED, Scene, topic_with};
use crate::secrets_manager::SecretsManager;

const OAUTH: &str = "OAUTHBEARER_AUTH";
const REFUSED: &str = "SASL authentication failed: ";

fn client_credentials(server: &TokenServer, secret: &str) -> Value {
    json!({
        "oauthTokenEndpointUrl": server.url(),
        "oauthClientId": "client",
        "oauthClientSecret": secret,
    })
}

/// Returns the members of a configuration with these secrets, and OAuth without TLS.
fn members(secrets: &[(&str, Value)]) -> Value {
    let secrets = secrets.iter();
    let secrets: serde_json::Map<String, Value> = secrets
        .map(|(name, value)| (format!("{ARN}{name}"), value.clone()))
        .collect();
    json!({ "secrets": secrets, "kafka": { "allow_sasl_plaintext": true } })
}

/// Returns an answer with a token that is said to last for so many seconds, and has expired for the broker.
fn over(seconds: u64) -> Value {
    let hour = Duration::from_secs(3600);
    let expired = unsecured_token("admin", Timestamp::now() - 2.hours(), hour);
    json!({ "access_token": expired, "token_type": "Bearer", "expires_in": seconds })
}

#[tokio::test]
async fn tokens_of_both_grants_let_in_with_scope_audience_and_extensions() {
    let Some(kafka) = Kafka::shared() else {
        return;
    };
    let certificates = Certificates::find().unwrap();
    let servers = Listener::SaslSsl.shared().unwrap();
    let server = TokenServer::start_with_tls(&certificates).await;
    let mut credentials = client_credentials(&server, "client-secret");
    credentials["oauthIdpCaCertificate"] = json!(certificates.text("ca.pem"));
    let mut assertion = credentials.clone();
    assertion
        .as_object_mut()
        .unwrap()
        .remove("oauthClientSecret");
    assertion["oauthClientEmail"] = json!("client@example.com");
    assertion["oauthPrivateKey"] = json!(certificates.text("client.key"));
    let members = members(&[
        ("ca", json!({ "certificate": certificates.text("ca.pem") })),
        ("credentials", credentials),
        ("assertion", assertion),
    ]);
    let scene = Scene::start(&members, &[]).await;
    for name in ["credentials", "assertion"] {
        let topic = topic_with(&kafka, name).await;
        let access = [
            (OAUTH, &*format!("{ARN}{name}")),
            ("SERVER_ROOT_CA_CERTIFICATE", &*format!("{ARN}ca")),
            ("OAUTHBEARER_SCOPE", "read write"),
            ("OAUTHBEARER_AUDIENCE", "brokers"),
            ("OAUTHBEARER_LOGICAL_CLUSTER", "lkc-1"),
            ("OAUTHBEARER_IDENTITY_POOL", "pool-1"),
        ];
        let asked_before = server.requests().len();
        let mapping = scene.mapping(&servers, topic.name(), &access).await;
        scene.arrives(name, ARRIVED).await;
        mapping.is_well().await;
        let form = &server.requests()[asked_before].form;
        assert_eq!(form["scope"], "read write");
        if name == "credentials" {
            assert_eq!(form["audience"], "brokers");
        }
    }
    scene.stop(&["client-secret", "BEGIN ", "eyJ"]).await;
}

/// How long tokens last that are soon over.
const LIFE: Duration = Duration::from_secs(5);

/// Starts a server whose tokens are soon over, and a daemon whose secret `name` has its credentials; with a topic that has
/// one record, which says `name` too.
async fn short_lived(name: &str) -> Option<(TokenServer, Scene, Topic)> {
    let kafka = Kafka::shared()?;
    let server = TokenServer::start().await;
    server.set_lifetime(LIFE);
    let secret = client_credentials(&server, "client-secret");
    let scene = Scene::start(&members(&[(name, secret)]), &[]).await;
    let topic = topic_with(&kafka, name).await;
    Some((server, scene, topic))
}

#[tokio::test]
async fn records_are_delivered_beyond_the_lives_of_many_tokens() {
    let Some((server, scene, topic)) = short_lived("short").await else {
        return;
    };
    let servers = Listener::SaslPlaintext.shared().unwrap();
    let access = [(OAUTH, &*format!("{ARN}short"))];
    let mapping = scene.mapping(&servers, topic.name(), &access).await;
    scene.arrives("short", ARRIVED).await;
    let begun = Instant::now();
    let mut sent = 0;
    while begun.elapsed() < LIFE * 3 {
        let took = scene.delivery(&topic, &format!("record {sent}")).await;
        assert!(took < LIFE, "record {sent} took {took:?}");
        sent += 1;
        // The pace of the records; what is waited for is that three lives are over.
        sleep(Duration::from_millis(500)).await;
    }
    mapping.is_well().await;
    let asked = server.requests().len();
    assert!((4..=12).contains(&asked), "{asked} tokens");
    scene.stop(&["client-secret", "eyJ"]).await;
}

#[tokio::test]
async fn a_mapping_of_a_topic_without_news_is_well_again_once_its_token_is() {
    let Some((server, scene, topic)) = short_lived("quiet").await else {
        return;
    };
    let servers = Listener::SaslPlaintext.shared().unwrap();
    let access = [(OAUTH, &*format!("{ARN}quiet"))];
    let mapping = scene.mapping(&servers, topic.name(), &access).await;
    scene.arrives("quiet", ARRIVED).await;
    // The connections that there are must show who they are again, and cannot: this token is over for the broker alone.
    // The next one comes before the group has lost its member, which would make everything anew.
    server.fail(200, over(2));
    mapping
        .shows_within(LIFE + ARRIVED, REFUSED, &[&servers, "token"])
        .await;
    server.set_lifetime(Duration::from_secs(3600));
    server.succeed();
    mapping.is_well_within(RECOVERED).await;
    scene.stop(&["client-secret", "eyJ"]).await;
}

#[tokio::test]
async fn a_refusal_of_the_token_server_is_told_and_a_corrected_secret_is_picked_up() {
    let (Some(kafka), Some(ministack)) = (Kafka::shared(), ministack()) else {
        return;
    };
    let servers = Listener::SaslPlaintext.shared().unwrap();
    let manager = SecretsManager::at(&ministack);
    let server = TokenServer::start().await;
    let arn = manager
        .create(&client_credentials(&server, "wrong-secret"))
        .await;
    let mut members = members(&[]);
    members["endpoints"] = json!({ "aws": ministack });
    let scene = Scene::start(&members, &[]).await;
    let topic = topic_with(&kafka, "corrected").await;
    let mapping = scene
        .mapping(&servers, topic.name(), &[(OAUTH, &arn)])
        .await;
    let words = [&*server.url(), "invalid_client", "oauthClientId"];
    mapping.shows(REFUSED, &words).await;
    let right = client_credentials(&server, "client-secret");
    manager.put(&arn, &right).await;
    scene.arrives("corrected", RECOVERED).await;
    mapping.is_well().await;
    scene.stop(&["client-secret", "wrong-secret", "eyJ"]).await;
}

#[tokio::test]
async fn tokens_that_have_expired_are_told_and_good_ones_let_in_later() {
    let Some(kafka) = Kafka::shared() else {
        return;
    };
    let servers = Listener::SaslPlaintext.shared().unwrap();
    // One gives tokens that say themselves that they are over, the other one's are over only for the broker.
    let (honest, lying) = (TokenServer::start().await, TokenServer::start().await);
    honest.set_lifetime(Duration::ZERO);
    lying.fail(200, over(3600));
    let members = members(&[
        ("honest", client_credentials(&honest, "client-secret")),
        ("lying", client_credentials(&lying, "client-secret")),
    ]);
    let scene = Scene::start(&members, &[]).await;
    let mut topics = Vec::new();
    let mut mappings = Vec::new();
    for name in ["honest", "lying"] {
        let topic = topic_with(&kafka, name).await;
        let access = [(OAUTH, &*format!("{ARN}{name}"))];
        let mapping = scene.mapping(&servers, topic.name(), &access).await;
        topics.push(topic);
        mappings.push((mapping, name));
    }
    for (mapping, name) in &mappings {
        let words = match *name {
            "honest" => honest.url(),
            _ => servers.clone(),
        };
        mapping.shows(REFUSED, &[&words, "token"]).await;
    }
    honest.set_lifetime(Duration::from_secs(3600));
    lying.succeed();
    for (mapping, value) in mappings {
        scene.arrives(value, RECOVERED).await;
        mapping.is_well().await;
    }
    scene.stop(&["client-secret", "eyJ"]).await;
    // They were needed until here.
    drop(topics);
}

#[tokio::test]
async fn a_token_server_that_is_away_is_told_and_found_again() {
    let Some(kafka) = Kafka::shared() else {
        return;
    };
    let servers = Listener::SaslPlaintext.shared().unwrap();
    let server = TokenServer::start().await;
    server.fail(503, json!({}));
    let secret = client_credentials(&server, "client-secret");
    let scene = Scene::start(&members(&[("away", secret)]), &[]).await;
    let topic = topic_with(&kafka, "back").await;
    let access = [(OAUTH, &*format!("{ARN}away"))];
    let mapping = scene.mapping(&servers, topic.name(), &access).await;
    mapping.shows("", &[&server.url(), "503"]).await;
    server.succeed();
    scene.arrives("back", RECOVERED).await;
    mapping.is_well().await;
    scene.stop(&["client-secret", "eyJ"]).await;
}
