//! The schema registry of the tests, and the proxy that asks who one is.

use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt as _, Full};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use lambda_esm_tests::kafka::Certificates;
use lambda_esm_tests::{RegistryAccess, RegistryProxy, variable};
use serde_json::{Value, json};
use uuid::Uuid;

/// Registers a schema and returns it by its id; or the status of a refusal.
async fn round_trip(registry: &str, authorization: &str) -> Result<Value, u16> {
    let client = Client::builder(TokioExecutor::new()).build_http::<Full<Bytes>>();
    let call = async |method: &str, path: String, body: String| {
        let request = Request::builder()
            .method(method)
            .uri(format!("{registry}/apis/ccompat/v7{path}"))
            .header("content-type", "application/json")
            .header("authorization", authorization)
            .body(Full::from(body));
        let response = client.request(request.unwrap()).await.unwrap();
        let status = response.status().as_u16();
        let body = response.into_body().collect().await.unwrap().to_bytes();
        if status == 200 {
            Ok(serde_json::from_slice::<Value>(&body).unwrap())
        } else {
            Err(status)
        }
    };
    let subject = Uuid::new_v4();
    let schema = json!({"schema": r#"{"type":"string"}"#}).to_string();
    let path = format!("/subjects/{subject}/versions");
    let registered = call("POST", path, schema).await?;
    call(
        "GET",
        format!("/schemas/ids/{}", registered["id"]),
        String::new(),
    )
    .await
}

#[tokio::test]
async fn a_registry_behind_the_proxy_answers_who_has_what_it_asks_for() {
    let Some(apicurio) = variable("LAMBDA_ESM_TEST_APICURIO") else {
        return;
    };
    let certificates = Certificates::find().unwrap();
    let schema = json!({"schema": r#"{"type":"string"}"#});
    assert_eq!(
        round_trip(&apicurio, "none").await.unwrap()["schema"],
        schema["schema"]
    );

    let basic = RegistryAccess::Basic("user".to_owned(), "secret".to_owned());
    let bearer = RegistryAccess::Bearer("token".to_owned());
    for (access, right, wrong) in [
        (basic, "Basic dXNlcjpzZWNyZXQ=", "Basic dXNlcjp3cm9uZw=="),
        (bearer, "Bearer token", "Bearer other"),
    ] {
        let proxy = RegistryProxy::start(&apicurio, access, &certificates).await;
        let found = round_trip(&proxy.url(), right).await.unwrap();
        assert_eq!(found["schema"], schema["schema"]);
        assert_eq!(round_trip(&proxy.url(), wrong).await, Err(401));
    }
}
