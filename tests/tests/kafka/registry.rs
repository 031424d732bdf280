//! The schema registry of the tests, and the proxy that asks who one is.

use http::Request;
use http_body_util::Full;
use lambda_esm_tests::kafka::Certificates;
use lambda_esm_tests::{RegistryAccess, RegistryProxy, variable};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::https::Https;

const SCHEMA: &str = r#"{"type":"string"}"#;

/// Registers a schema and returns it by its id; or the status of a refusal, 0 if there was none.
async fn round_trip(client: &Https, registry: &str, authorization: &str) -> Result<Value, u16> {
    let call = async |method: &str, path: String, body: String| {
        let request = Request::builder()
            .method(method)
            .uri(format!("{registry}/apis/ccompat/v7{path}"))
            .header("content-type", "application/json")
            .header("authorization", authorization)
            .body(Full::from(body));
        match client.call(request.unwrap()).await {
            Ok((200, body)) => Ok(serde_json::from_slice::<Value>(&body).unwrap()),
            Ok((status, _)) => Err(status),
            Err(_) => Err(0),
        }
    };
    let subject = Uuid::new_v4();
    let schema = json!({ "schema": SCHEMA }).to_string();
    let path = format!("/subjects/{subject}/versions");
    let registered = call("POST", path, schema).await?;
    let path = format!("/schemas/ids/{}", registered["id"]);
    let found = call("GET", path, String::new()).await?;
    Ok(found["schema"].clone())
}

#[tokio::test]
async fn a_registry_behind_the_proxy_answers_who_has_what_it_asks_for() {
    let Some(apicurio) = variable("LAMBDA_ESM_TEST_APICURIO") else {
        return;
    };
    let certificates = Certificates::find().unwrap();
    let client = Https::new(&certificates, "ca.pem", None);
    let schema = Ok(json!(SCHEMA));
    assert_eq!(round_trip(&client, &apicurio, "none").await, schema);

    let basic = RegistryAccess::Basic("user".to_owned(), "secret".to_owned());
    let bearer = RegistryAccess::Bearer("token".to_owned());
    for (access, right, wrong) in [
        (basic, "Basic dXNlcjpzZWNyZXQ=", "Basic dXNlcjp3cm9uZw=="),
        (bearer, "Bearer token", "Bearer other"),
    ] {
        let proxy = RegistryProxy::start(&apicurio, access, &certificates).await;
        assert_eq!(round_trip(&client, &proxy.url(), right).await, schema);
        assert_eq!(round_trip(&client, &proxy.url(), wrong).await, Err(401));
    }

    let access = RegistryAccess::ClientCertificate;
    let proxy = RegistryProxy::start(&apicurio, access, &certificates).await;
    let known = Https::new(&certificates, "ca.pem", Some("client"));
    assert_eq!(round_trip(&known, &proxy.url(), "none").await, schema);
    let stranger = Https::new(&certificates, "ca.pem", Some("stranger"));
    for refused in [&client, &stranger] {
        assert_eq!(round_trip(refused, &proxy.url(), "none").await, Err(0));
    }

    let proxy = RegistryProxy::start(&apicurio, RegistryAccess::Tls, &certificates).await;
    assert_eq!(round_trip(&client, &proxy.url(), "none").await, schema);
    let other = Https::new(&certificates, "other-ca.pem", None);
    assert_eq!(round_trip(&other, &proxy.url(), "none").await, Err(0));
}

#[tokio::test]
async fn glue_gives_a_schema_by_the_id_of_its_version() {
    let Some(glue) = variable("LAMBDA_ESM_TEST_GLUE") else {
        return;
    };
    let client = Https::new(&Certificates::find().unwrap(), "ca.pem", None);
    let call = async |operation: &str, body: Value| {
        // The server looks which service is meant, and takes any signature.
        let authorization = "AWS4-HMAC-SHA256 Credential=test/20000101/us-east-1/glue/aws4_request, \
                             SignedHeaders=host, Signature=0";
        let request = Request::post(&glue)
            .header("content-type", "application/x-amz-json-1.1")
            .header("x-amz-target", format!("AWSGlue.{operation}"))
            .header("authorization", authorization)
            .body(Full::from(body.to_string()));
        let (status, body) = client.call(request.unwrap()).await.unwrap();
        (status, serde_json::from_slice::<Value>(&body).unwrap())
    };
    let registry = Uuid::new_v4().to_string();
    call("CreateRegistry", json!({ "RegistryName": registry })).await;
    let schema = json!({
        "RegistryId": { "RegistryName": registry },
        "SchemaName": "name",
        "DataFormat": "AVRO",
        "Compatibility": "NONE",
        "SchemaDefinition": SCHEMA,
    });
    let (status, made) = call("CreateSchema", schema).await;
    assert_eq!(status, 200, "{made}");
    let version = json!({ "SchemaVersionId": made["SchemaVersionId"] });
    let (_, found) = call("GetSchemaVersion", version).await;
    assert_eq!(found["SchemaDefinition"], SCHEMA);
    assert_eq!(found["DataFormat"], "AVRO");
    let unknown = json!({ "SchemaVersionId": Uuid::new_v4() });
    let (status, refused) = call("GetSchemaVersion", unknown).await;
    assert_eq!(
        (status, &refused["__type"]),
        (400, &json!("EntityNotFoundException"))
    );
}
