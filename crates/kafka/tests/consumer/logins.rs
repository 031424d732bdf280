//! Who is let in by Kafka, who is not, and what is told then.

use std::fs;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use lambda_esm_core::Timestamp;
use lambda_esm_core::fault::SourceErrorKind;
use lambda_esm_core::mapping::StartingPosition;
use lambda_esm_engine::ports::{GroupEvent, TopicConsumer};
use lambda_esm_kafka::{AuthError, ClientSettings, KafkaOptions, Token, TokenSource};
use tokio::sync::watch;

use crate::cluster::{Cluster, numbered};
use crate::problems::{problem, says};
use crate::worker::Worker;

fn variable(name: &str) -> String {
    std::env::var(name).unwrap()
}

fn certificate(name: &str) -> String {
    let folder = variable("LAMBDA_ESM_TEST_KAFKA_CERTS");
    fs::read_to_string(format!("{folder}/{name}")).unwrap()
}

async fn joined(cluster: &Cluster, settings: ClientSettings) -> (Arc<dyn TopicConsumer>, String) {
    let topic = cluster.topic(1).await;
    let oldest = StartingPosition::TrimHorizon;
    let options = KafkaOptions::default();
    let joined = cluster
        .join_with(settings, &topic, "logins", oldest, options)
        .await;
    (joined, topic)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_whose_certificate_nobody_vouches_for_is_not_trusted() {
    let Some(cluster) = Cluster::real() else {
        return;
    };
    let servers = variable("LAMBDA_ESM_TEST_KAFKA_TLS");
    let mut settings = ClientSettings::new(&servers, "ssl");
    settings.set("ssl.ca.pem", certificate("other-ca.pem"));
    let (consumer, _) = joined(&cluster, settings).await;
    let problem = problem(&*consumer).await;
    let texts = [
        "Lambda failed to authenticate server",
        &servers,
        "SERVER_ROOT_CA_CERTIFICATE",
    ];
    says(&problem, SourceErrorKind::Denied, &texts);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_without_a_certificate_is_told_that_the_broker_wants_one() {
    let Some(cluster) = Cluster::real() else {
        return;
    };
    let servers = variable("LAMBDA_ESM_TEST_KAFKA_MTLS");
    let mut settings = ClientSettings::new(&servers, "ssl");
    settings.set("ssl.ca.pem", certificate("ca.pem"));
    let (consumer, _) = joined(&cluster, settings).await;
    let problem = problem(&*consumer).await;
    let texts = [
        "Server failed to authenticate Lambda",
        &servers,
        "CLIENT_CERTIFICATE_TLS_AUTH",
    ];
    says(&problem, SourceErrorKind::Denied, &texts);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_that_is_none_is_told() {
    let Some(cluster) = Cluster::real() else {
        return;
    };
    let mut settings = ClientSettings::new(&variable("LAMBDA_ESM_TEST_KAFKA_MTLS"), "ssl");
    settings.set("ssl.certificate.pem", "no certificate");
    let (consumer, _) = joined(&cluster, settings).await;
    let problem = problem(&*consumer).await;
    let texts = ["Provided certificate or private key is invalid"];
    says(&problem, SourceErrorKind::Denied, &texts);
}

struct Unsigned;

impl TokenSource for Unsigned {
    fn token(&self) -> Result<Token, AuthError> {
        let now = i64::try_from(std::time::UNIX_EPOCH.elapsed().unwrap().as_secs()).unwrap();
        // The same for a minute: each of another text would be another token.
        let begin = now - now % 60;
        let end = begin + 600;
        let claims = format!(r#"{{"sub":"somebody","iat":{begin},"exp":{end}}}"#);
        let encode = |part: &str| URL_SAFE_NO_PAD.encode(part);
        let text = format!("{}.{}.", encode(r#"{"alg":"none"}"#), encode(&claims));
        let extensions = vec![("logicalCluster".to_owned(), "lkc-1".to_owned())];
        Ok(Token::new(text, Timestamp(end * 1000), "somebody").with_extensions(extensions))
    }

    fn watch(&self) -> watch::Receiver<Token> {
        watch::channel(self.token().unwrap()).1
    }

    fn renew(&self) {}
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_with_a_token_and_extensions_is_let_in() {
    let Some(cluster) = Cluster::real() else {
        return;
    };
    let servers = variable("LAMBDA_ESM_TEST_KAFKA_SASL_PLAINTEXT");
    let mut settings = ClientSettings::new(&servers, "sasl_plaintext");
    settings.set("sasl.mechanism", "OAUTHBEARER");
    let settings = settings.with_tokens(Arc::new(Unsigned));
    let (consumer, topic) = joined(&cluster, settings).await;
    cluster.produce(&topic, 0, &numbered(0..10));
    let mut worker = Worker::new(consumer);
    worker.owns(1).await;
    worker.read_to(&cluster.ends(&topic, 1)).await;
    assert_eq!(worker.events.len(), 1, "{:?}", worker.events);
}

/// Changes who may do what.
fn administer(cluster: &Cluster, words: &[&str]) {
    let home = variable("LAMBDA_ESM_TEST_KAFKA_HOME");
    let done = Command::new("java")
        .args([
            "-XX:TieredStopAtLevel=1",
            "-Xmx128m",
            "-Dlog4j2.level=WARN",
            "-cp",
        ])
        .args([
            &format!("{home}/libs/*:{home}/classes"),
            "Admin",
            &cluster.servers,
        ])
        .args(words)
        .status();
    assert!(done.unwrap().success(), "{words:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_topic_that_may_not_be_read_is_named_and_read_once_it_may() {
    let Some(cluster) = Cluster::real() else {
        return;
    };
    let servers = variable("LAMBDA_ESM_TEST_KAFKA_SASL_PLAINTEXT");
    let mut settings = ClientSettings::new(&servers, "sasl_plaintext");
    for (name, value) in [
        ("sasl.mechanism", "PLAIN"),
        ("sasl.username", "nobody"),
        ("sasl.password", "nobody-secret"),
    ] {
        settings.set(name, value);
    }
    let topic = cluster.topic(1).await;
    cluster.produce(&topic, 0, &numbered(0..10));
    administer(&cluster, &["allow", "nobody", "topic", &topic, "Describe"]);
    let oldest = StartingPosition::TrimHorizon;
    let options = KafkaOptions::default();
    let joined = cluster
        .join_with(settings, &topic, "nobody", oldest, options)
        .await;
    let mut worker = Worker::new(joined);
    let problem = loop {
        match worker.event().await {
            GroupEvent::Problem(problem) => break problem,
            _ => worker.round(Duration::from_secs(1)).await,
        }
    };
    let texts = ["Cluster failed to authorize Lambda", &topic, &servers];
    says(&problem, SourceErrorKind::Denied, &texts);
    administer(&cluster, &["allow", "nobody", "topic", &topic, "Read"]);
    worker.owns(1).await;
    worker.read_to(&cluster.ends(&topic, 1)).await;
    worker.catch_up().await;
    assert!(
        worker.events.contains(&GroupEvent::Recovered),
        "{:?}",
        worker.events
    );
}
