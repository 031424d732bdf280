//! The token server of the tests.

use std::time::Duration;

use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt as _, Full};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use jiff::Timestamp;
use lambda_esm_tests::TokenServer;
use lambda_esm_tests::kafka::Listener;
use rdkafka::ClientConfig;
use serde_json::{Value, json};

use crate::attempt::{Token, reach};

async fn ask(url: &str, form: &str) -> (u16, Value) {
    let client = Client::builder(TokioExecutor::new()).build_http::<Full<Bytes>>();
    let request = Request::post(url)
        .header("content-type", "application/x-www-form-urlencoded")
        .body(Full::from(form.to_owned()));
    let response = client.request(request.unwrap()).await.unwrap();
    let status = response.status().as_u16();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (status, serde_json::from_slice(&body).unwrap())
}

#[tokio::test]
async fn both_grants_give_a_token_that_the_broker_takes() {
    let Some(listener) = Listener::SaslPlaintext.shared() else {
        return;
    };
    let server = TokenServer::start().await;
    server.set_lifetime(Duration::from_secs(60));
    for form in [
        "grant_type=client_credentials&client_id=client&client_secret=client-secret&scope=a+b%2Fc",
        "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&assertion=a.b.c",
    ] {
        let (status, body) = ask(&server.url(), form).await;
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
    let server = TokenServer::start().await;
    let wrong = "grant_type=client_credentials&client_id=client&client_secret=wrong";
    let refused = json!({"error": "invalid_client"});
    assert_eq!(ask(&server.url(), wrong).await, (401, refused));
    let assertion = "grant_type=urn:ietf:params:oauth:grant-type:jwt-bearer&assertion=a.b.c";
    server.fail(503, json!({}));
    assert_eq!(ask(&server.url(), assertion).await, (503, json!({})));
    server.succeed();
    assert_eq!(ask(&server.url(), assertion).await.0, 200);
    assert_eq!(server.requests().len(), 3);
}
