//! Secrets in ministack's Secrets Manager.

use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt as _, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};
use uuid::Uuid;

pub(crate) struct SecretsManager {
    endpoint: String,
    client: Client<HttpConnector, Full<Bytes>>,
}

impl SecretsManager {
    pub(crate) fn at(endpoint: &str) -> Self {
        Self {
            endpoint: endpoint.to_owned(),
            client: Client::builder(TokioExecutor::new()).build_http(),
        }
    }

    /// Creates a secret that no other test uses, and returns its ARN.
    pub(crate) async fn create(&self, value: &Value) -> String {
        let name = format!("login-{}", Uuid::new_v4().simple());
        let request = json!({ "Name": name, "SecretString": value.to_string() });
        let made = self.ask("CreateSecret", &request).await;
        made["ARN"].as_str().unwrap().to_owned()
    }

    /// Gives a secret another value.
    pub(crate) async fn put(&self, arn: &str, value: &Value) {
        let request = json!({ "SecretId": arn, "SecretString": value.to_string() });
        self.ask("PutSecretValue", &request).await;
    }

    async fn ask(&self, operation: &str, body: &Value) -> Value {
        let credential = "Credential=test/20260101/us-east-1/secretsmanager/aws4_request";
        let request = Request::post(&self.endpoint)
            .header("content-type", "application/x-amz-json-1.1")
            .header("x-amz-target", format!("secretsmanager.{operation}"))
            .header(
                "authorization",
                format!("AWS4-HMAC-SHA256 {credential}, SignedHeaders=host, Signature=0"),
            )
            .body(Full::from(body.to_string()))
            .unwrap();
        let response = self.client.request(request).await.unwrap();
        let status = response.status().as_u16();
        let body = response.into_body().collect().await.unwrap().to_bytes();
        assert_eq!(status, 200, "{operation}: {body:?}");
        serde_json::from_slice(&body).unwrap()
    }
}
