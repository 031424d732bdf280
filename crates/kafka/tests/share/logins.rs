//! Who is let in by Kafka, by each mechanism.

use std::fs;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use lambda_esm_core::Timestamp;
use lambda_esm_engine::ports::{QueueSource, SettleVerb};
use lambda_esm_kafka::{AuthError, ClientSettings, Token, TokenSource};
use tokio::sync::watch;

use crate::member::Member;
use crate::world::{World, variable};

pub(crate) fn certificate(name: &str) -> String {
    let folder = variable("LAMBDA_ESM_TEST_KAFKA_CERTS");
    fs::read_to_string(format!("{folder}/{name}")).unwrap()
}

pub(crate) fn password(
    listener: &str,
    protocol: &str,
    mechanism: &str,
    user: &str,
) -> ClientSettings {
    let mut settings = ClientSettings::new(&variable(listener), protocol);
    settings.set("sasl.mechanism", mechanism);
    settings.set("sasl.username", user);
    settings.set("sasl.password", format!("{user}-secret"));
    settings
}

async fn reads(world: &World, settings: ClientSettings) {
    let shared = world.shared(1, &[]).await;
    shared.produce(1, 0..1).await;
    let member = Member(shared.source_with(settings));
    let record = member.receive_one().await;
    member.settle_all(&[record], SettleVerb::Delete).await;
    shared.is_done(1).await;
    member.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn passwords_are_taken_by_each_mechanism_and_with_tls() {
    let Some(world) = World::real() else {
        return;
    };
    let plain = "LAMBDA_ESM_TEST_KAFKA_SASL_PLAINTEXT";
    for mechanism in ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] {
        reads(
            &world,
            password(plain, "SASL_PLAINTEXT", mechanism, "admin"),
        )
        .await;
    }
    let tls = "LAMBDA_ESM_TEST_KAFKA_SASL_SSL";
    let mut settings = password(tls, "SASL_SSL", "SCRAM-SHA-512", "admin");
    settings.set("ssl.ca.pem", certificate("ca.pem"));
    reads(&world, settings).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn certificates_are_taken_from_memory() {
    let Some(world) = World::real() else {
        return;
    };
    let mut settings = ClientSettings::new(&variable("LAMBDA_ESM_TEST_KAFKA_TLS"), "SSL");
    settings.set("ssl.ca.pem", certificate("ca.pem"));
    reads(&world, settings).await;
    let mut settings = ClientSettings::new(&variable("LAMBDA_ESM_TEST_KAFKA_MTLS"), "SSL");
    settings.set("ssl.ca.pem", certificate("ca.pem"));
    settings.set("ssl.certificate.pem", certificate("client.pem"));
    settings.set("ssl.key.pem", certificate("client.key"));
    reads(&world, settings).await;
}

struct Unsigned;

impl TokenSource for Unsigned {
    fn token(&self) -> Result<Token, AuthError> {
        let now = i64::try_from(std::time::UNIX_EPOCH.elapsed().unwrap().as_secs()).unwrap();
        let end = now + 600;
        let claims = format!(r#"{{"sub":"admin","iat":{now},"exp":{end}}}"#);
        let encode = |part: &str| URL_SAFE_NO_PAD.encode(part);
        let text = format!("{}.{}.", encode(r#"{"alg":"none"}"#), encode(&claims));
        let extensions = vec![("logicalCluster".to_owned(), "lkc-1".to_owned())];
        Ok(Token::new(text, Timestamp(end * 1000), "admin").with_extensions(extensions))
    }

    fn watch(&self) -> watch::Receiver<Token> {
        watch::channel(self.token().unwrap()).1
    }

    fn renew(&self) {}
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_with_extensions_is_taken() {
    let Some(world) = World::real() else {
        return;
    };
    let servers = variable("LAMBDA_ESM_TEST_KAFKA_SASL_PLAINTEXT");
    let mut settings = ClientSettings::new(&servers, "sasl_plaintext");
    settings.set("sasl.mechanism", "OAUTHBEARER");
    reads(&world, settings.with_tokens(Arc::new(Unsigned))).await;
}
