//! The token server of the tests.

use std::time::Duration;

use http::Request;
use http_body_util::Full;
use jiff::Timestamp;
use lambda_esm_tests::TokenServer;
use lambda_esm_tests::kafka::{Certificates, Listener};
use rdkafka::ClientConfig;
use serde_json::{Value, json};

use crate::attempt::{Token, reach};
use crate::https::Https;

const ASSERTION: &str =
    "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&assertion=a.b.c";

async fn ask(client: &Https, url: &str, form: &'static str) -> Option<(u16, Value)> {
    let request = Request::post(url)
        .header("content-type", "application/x-www-form-urlencoded")
        .body(Full::from(form))
        .unwrap();
    let (status, body) = client.call(request).await.ok()?;
    Some((status, serde_json::from_slice(&body).unwrap()))
}

#[tokio::test]
async fn both_grants_give_a_token_that_the_broker_takes() {
    let Some(listener) = Listener::SaslPlaintext.shared() else {
        return;
    };
    let client = Https::new(&Certificates::find().unwrap(), "ca.pem", None);
    let server = TokenServer::start().await;
    server.set_lifetime(Duration::from_secs(60));
    for form in [
        "grant_type=client_credentials&client_id=client&client_secret=client-secret&scope=a+b%2Fc",
        ASSERTION,
    ] {
        let (status, body) = ask(&client, &server.url(), form).await.unwrap();
        assert_eq!((status, &body["expires_in"]), (200, &json!(60)));
        let token = body["access_token"].as_str().unwrap().to_owned();
        let mut config = ClientConfig::new();
        config
            .set("bootstrap.servers", &listener)
            .set("security.protocol", "sasl_plaintext")
            .set("sasl.mechanism", "OAUTHBEARER");
        let end = Timestamp::now().as_millisecond() + 60_000;
        reach(&config, Some(Token(token, end))).await.unwrap();
    }
    assert_eq!(server.requests()[0].form["scope"], "a b/c");
}

#[tokio::test]
async fn the_token_server_refuses_what_it_should_and_what_it_is_told_to() {
    let Some(certificates) = Certificates::find() else {
        return;
    };
    let client = Https::new(&certificates, "ca.pem", None);
    let server = TokenServer::start().await;
    let ask = async |form| ask(&client, &server.url(), form).await.unwrap();
    let wrong = "grant_type=client_credentials&client_id=client&client_secret=wrong";
    let refused = json!({"error": "invalid_client"});
    assert_eq!(ask(wrong).await, (401, refused));
    server.fail(503, json!({}));
    assert_eq!(ask(ASSERTION).await, (503, json!({})));
    server.succeed();
    assert_eq!(ask(ASSERTION).await.0, 200);
    assert_eq!(server.requests().len(), 3);
}

#[tokio::test]
async fn the_token_server_has_a_certificate_of_the_tests_authority() {
    let Some(certificates) = Certificates::find() else {
        return;
    };
    let server = TokenServer::start_with_tls(&certificates).await;
    let client = Https::new(&certificates, "ca.pem", None);
    let (status, _) = ask(&client, &server.url(), ASSERTION).await.unwrap();
    assert_eq!(status, 200);
    let other = Https::new(&certificates, "other-ca.pem", None);
    assert!(ask(&other, &server.url(), ASSERTION).await.is_none());
}
