//! What librdkafka sends of a token, seen by a broker that only listens.

use std::time::Duration;

use lambda_esm_core::mapping::AccessKind;
use lambda_esm_kafka::give_token;
use rdkafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::oauth::{authenticated, client_credentials, granted};
use crate::token_server::TokenServer;

/// Reads a frame of Kafka's protocol: its length, and so many bytes.
async fn frame(stream: &mut TcpStream) -> Vec<u8> {
    let length = stream.read_u32().await.unwrap();
    let mut frame = vec![0; length.try_into().unwrap()];
    stream.read_exact(&mut frame).await.unwrap();
    frame
}

async fn answer(stream: &mut TcpStream, request: &[u8], body: &[u8]) {
    // Begins with the request's correlation id.
    let answer = [&request[4..8], body].concat();
    let length = u32::try_from(answer.len()).unwrap();
    stream.write_u32(length).await.unwrap();
    stream.write_all(&answer).await.unwrap();
}

/// Answers `ApiVersions` and `SaslHandshake`, and returns the first message of the mechanism.
async fn first_message(listener: TcpListener) -> Vec<u8> {
    let (mut stream, _) = listener.accept().await.unwrap();
    let mut request = frame(&mut stream).await;
    if request[..2] == [0, 18] {
        // Nothing but the first versions of these two, so that the mechanism has no frames of Kafka's.
        let flexible = [
            0, 0, 3, 0, 17, 0, 0, 0, 0, 0, 0, 18, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0,
        ];
        let plain = [0, 0, 0, 0, 0, 2, 0, 17, 0, 0, 0, 0, 0, 18, 0, 0, 0, 3];
        let body: &[u8] = if request[3] < 3 { &plain } else { &flexible };
        answer(&mut stream, &request, body).await;
        request = frame(&mut stream).await;
    }
    assert_eq!(request[..2], [0, 17], "SaslHandshake");
    let mechanisms = [&[0, 0, 0, 0, 0, 1, 0, 11][..], b"OAUTHBEARER"].concat();
    answer(&mut stream, &request, &mechanisms).await;
    frame(&mut stream).await
}

#[tokio::test(flavor = "multi_thread")]
async fn extensions_are_sent_beside_the_token() {
    let server = TokenServer::plain(granted("tok.en", serde_json::json!(600))).await;
    let more = [
        (AccessKind::OauthbearerLogicalCluster, "lkc-1"),
        (AccessKind::OauthbearerIdentityPool, "pool-1"),
    ];
    let settings = authenticated(&client_credentials(&server.url), &more).await;
    let settings = settings.unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut config = ClientConfig::new();
    config.set("group.id", "g");
    for (name, value) in settings.properties() {
        config.set(*name, value);
    }
    let servers = listener.local_addr().unwrap().to_string();
    config.set("bootstrap.servers", servers);
    let consumer: BaseConsumer = config.create().unwrap();
    let mut token = settings.tokens().unwrap().watch().borrow().clone();
    // The clock of the settings stands at a time that is past for librdkafka.
    token.expires = lambda_esm_core::Timestamp(4_000_000_000_000);
    give_token(consumer.client(), &token).unwrap();
    consumer.subscribe(&["orders"]).unwrap();
    let seen = tokio::time::timeout(Duration::from_secs(20), first_message(listener));
    let seen = String::from_utf8(seen.await.unwrap()).unwrap();
    let expected =
        "n,,\u{1}auth=Bearer tok.en\u{1}logicalCluster=lkc-1\u{1}identityPoolId=pool-1\u{1}\u{1}";
    assert_eq!(seen, expected);
}

#[tokio::test]
async fn a_token_that_has_expired_or_cannot_be_sent_is_refused() {
    let server = TokenServer::plain(granted("tok", serde_json::json!(600))).await;
    let settings = authenticated(&client_credentials(&server.url), &[]).await;
    let token = settings.unwrap().tokens().unwrap().token().unwrap();
    let mut config = ClientConfig::new();
    config
        .set("security.protocol", "SASL_PLAINTEXT")
        .set("sasl.mechanism", "OAUTHBEARER");
    let consumer: BaseConsumer = config.set("group.id", "g").create().unwrap();
    let mut good = token.clone();
    good.expires = lambda_esm_core::Timestamp(4_000_000_000_000);
    give_token(consumer.client(), &good).unwrap();
    give_token(consumer.client(), &token).unwrap_err();
    for text in ["a\0b", "a\u{1}b"] {
        let mut bad = good.clone();
        bad.text = text.to_owned();
        give_token(consumer.client(), &bad).unwrap_err();
    }
}
