//! A plain client of HTTP for JSON.

use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt as _, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::Value;

#[derive(Clone)]
pub(crate) struct WebClient(Client<HttpConnector, Full<Bytes>>);

impl Default for WebClient {
    fn default() -> Self {
        Self(Client::builder(TokioExecutor::new()).build_http())
    }
}

impl WebClient {
    /// Returns the status and the text of an answer.
    pub(crate) async fn text(&self, method: &str, url: &str, body: &Value) -> (u16, String) {
        let request = Request::builder()
            .method(method)
            .uri(url)
            .header("content-type", "application/json")
            .body(match body {
                Value::Null => Full::default(),
                body => Full::from(body.to_string()),
            });
        self.send(request.unwrap()).await
    }

    /// The same of an answer in JSON.
    pub(crate) async fn json(&self, method: &str, url: &str, body: &Value) -> (u16, Value) {
        let (status, text) = self.text(method, url, body).await;
        (status, serde_json::from_str(&text).unwrap())
    }

    /// Calls an operation of an AWS service by its JSON protocol, at a server that takes any signature.
    pub(crate) async fn aws(&self, endpoint: &str, target: &str, body: &Value) -> Value {
        let service = if target.starts_with("AWSGlue") {
            "glue"
        } else {
            "secretsmanager"
        };
        let authorization = format!(
            "AWS4-HMAC-SHA256 Credential=test/20000101/us-east-1/{service}/aws4_request, SignedHeaders=host, Signature=0"
        );
        let request = Request::post(endpoint)
            .header("content-type", "application/x-amz-json-1.1")
            .header("x-amz-target", target)
            .header("authorization", authorization)
            .body(Full::from(body.to_string()));
        let (status, text) = self.send(request.unwrap()).await;
        assert_eq!(status, 200, "{target}: {text}");
        serde_json::from_str(&text).unwrap()
    }

    async fn send(&self, request: Request<Full<Bytes>>) -> (u16, String) {
        let response = self.0.request(request).await.unwrap();
        let status = response.status().as_u16();
        let body = response.into_body().collect().await.unwrap().to_bytes();
        (status, String::from_utf8(body.to_vec()).unwrap())
    }
}
