//! A client of the services that speak JSON: what a test needs of `DynamoDB` is too little for its SDK,
//! which takes minutes to build.

use std::time::Duration;

use bytes::Bytes;
use http::{Request, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::Value;
use tokio::time::sleep;

/// How often a call is made whose connection breaks or whose server fails, and how long it is left alone between.
const TRIES: usize = 20;
const PAUSE: Duration = Duration::from_millis(50);

/// Calls the operations of one API at one endpoint.
#[derive(Clone, Debug)]
pub(crate) struct JsonClient {
    http: Client<HttpConnector, Full<Bytes>>,
    endpoint: String,
}

impl JsonClient {
    pub(crate) fn new(endpoint: &str) -> Self {
        let connector = HttpConnector::new();
        Self {
            http: Client::builder(TokioExecutor::new()).build(connector),
            endpoint: endpoint.to_owned(),
        }
    }

    /// Calls `operation`, such as `DynamoDB_20120810.PutItem`, and returns its answer.
    ///
    /// # Errors
    /// The service's error, if it refuses.
    pub(crate) async fn call(&self, operation: &str, request: &Value) -> Result<Value, Value> {
        // A server whose time runs fast breaks connections off, and a busy one fails now and then. What is put twice alike is
        // put once.
        for _ in 0..TRIES {
            let answer = self.send(operation, request).await;
            if let Some((status, body)) = answer.filter(|(status, _)| !status.is_server_error()) {
                let body = serde_json::from_slice(&body).unwrap();
                return if status.is_success() {
                    Ok(body)
                } else {
                    Err(body)
                };
            }
            sleep(PAUSE).await;
        }
        panic!("{operation} was not answered {TRIES} times")
    }

    /// Returns the answer; `None` if the connection breaks.
    pub(crate) async fn send(
        &self,
        operation: &str,
        request: &Value,
    ) -> Option<(StatusCode, Bytes)> {
        let request = Request::post(&self.endpoint)
            .header("Content-Type", "application/x-amz-json-1.0")
            .header("X-Amz-Target", operation)
            // The servers look whose key it is, and take any signature.
            .header(
                "Authorization",
                "AWS4-HMAC-SHA256 Credential=test/20000101/us-east-1/dynamodb/aws4_request, \
                 SignedHeaders=host, Signature=0",
            )
            .body(Full::from(request.to_string()))
            .unwrap();
        let response = self.http.request(request).await.ok()?;
        let status = response.status();
        let body = response.into_body().collect().await.ok()?;
        Some((status, body.to_bytes()))
    }

    /// Calls `operation`, which must succeed.
    pub(crate) async fn ok(&self, operation: &str, request: &Value) -> Value {
        let answer = self.call(operation, request).await;
        answer.unwrap_or_else(|error| panic!("{operation} {request}: {error}"))
    }
}
