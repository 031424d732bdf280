//! Tables on servers that stand in for DynamoDB, made and filled through their JSON protocol: the SDK for
//! that would take longer to build than all else here.

use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use lambda_esm_aws::{AwsConfig, DynamoDbProvider, DynamoDbStream};
use lambda_esm_core::record::{DynamoDbRecord, StreamContent, StreamRecord};
use serde_json::{Value, json};

/// A server under test.
#[derive(Clone, Debug)]
pub(crate) struct Server {
    /// Its endpoint.
    pub(crate) url: String,
}

/// A fresh table on it.
pub(crate) struct Table {
    pub(crate) server: Server,
    pub(crate) name: String,
    /// The ARN of its stream, in the region of the tests.
    pub(crate) stream: String,
}

impl Server {
    /// Returns the server that an environment variable names.
    pub(crate) fn named(variable: &str) -> Option<Self> {
        let Ok(url) = std::env::var(variable) else {
            println!("skipped: {variable} names no server");
            return None;
        };
        Some(Self { url })
    }

    /// Returns the source of a stream here.
    pub(crate) async fn source(&self, stream: &str) -> DynamoDbStream {
        let mut config = AwsConfig::default();
        let url = self.url.parse().unwrap();
        config.endpoints.services.insert("dynamodb".to_owned(), url);
        DynamoDbProvider::new(config).open(stream).await.unwrap()
    }

    /// Creates a table that no other run uses, with a key `id` and a stream.
    pub(crate) async fn table(&self, what: &str, view: &str) -> Table {
        let name = format!("aws-{}-{what}", std::process::id());
        let table = json!({
            "TableName": name,
            "BillingMode": "PAY_PER_REQUEST",
            "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
            "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
            "StreamSpecification": {"StreamEnabled": true, "StreamViewType": view},
        });
        let created = self.call("CreateTable", &table).await;
        let stream = created["TableDescription"]["LatestStreamArn"].as_str();
        Table {
            server: self.clone(),
            name,
            stream: stream.unwrap().replace(":ddblocal:", ":us-east-1:"),
        }
    }

    /// Calls an operation of DynamoDB, anew if the connection breaks.
    async fn call(&self, operation: &str, body: &Value) -> Value {
        self.call_with(operation, &body.to_string()).await
    }

    async fn call_with(&self, operation: &str, body: &str) -> Value {
        let client = Client::builder(TokioExecutor::new()).build_http::<Full<Bytes>>();
        for _ in 0..20 {
            let request = Request::post(&self.url)
                .header("content-type", "application/x-amz-json-1.0")
                .header("x-amz-target", format!("DynamoDB_20120810.{operation}"))
                // The servers look whose key it is, and take any signature.
                .header(
                    "authorization",
                    "AWS4-HMAC-SHA256 Credential=test/20000101/us-east-1/dynamodb/aws4_request, \
                     SignedHeaders=host, Signature=0",
                )
                .body(Full::from(body.to_owned()))
                .unwrap();
            let Ok(answer) = client.request(request).await else {
                continue;
            };
            let status = answer.status();
            let Ok(text) = answer.into_body().collect().await else {
                continue;
            };
            let text = text.to_bytes();
            assert!(status.is_success(), "{operation}: {text:?}");
            return serde_json::from_slice(&text).unwrap();
        }
        panic!("{operation} got no answer from {}", self.url)
    }
}

impl Table {
    /// Returns the source of the table's stream.
    pub(crate) async fn source(&self) -> DynamoDbStream {
        self.server.source(&self.stream).await
    }

    /// Puts an item.
    pub(crate) async fn put(&self, item: &Value) {
        let put = json!({"TableName": self.name, "Item": item});
        self.server.call("PutItem", &put).await;
    }

    /// Puts an item, which may hold what is no text.
    pub(crate) async fn put_json(&self, item: &str) {
        let put = format!(r#"{{"TableName":"{}","Item":{item}}}"#, self.name);
        self.server.call_with("PutItem", &put).await;
    }

    /// Puts an item with a key and a text.
    pub(crate) async fn put_text(&self, key: &str, text: &str) {
        self.put(&json!({"id": {"S": key}, "text": {"S": text}}))
            .await;
    }

    /// Returns the item with a key, as the server has it.
    pub(crate) async fn get(&self, key: &str) -> Value {
        let get = json!({"TableName": self.name, "Key": {"id": {"S": key}}});
        self.server.call("GetItem", &get).await["Item"].take()
    }

    /// Deletes the item with a key.
    pub(crate) async fn delete(&self, key: &str) {
        let delete = json!({"TableName": self.name, "Key": {"id": {"S": key}}});
        self.server.call("DeleteItem", &delete).await;
    }

    /// Disables the stream.
    pub(crate) async fn disable_stream(&self) {
        let specification = json!({"StreamEnabled": false});
        let update = json!({"TableName": self.name, "StreamSpecification": specification});
        self.server.call("UpdateTable", &update).await;
    }

    /// Deletes the table; its stream stays for a day.
    pub(crate) async fn drop(self) {
        let delete = json!({"TableName": self.name});
        self.server.call("DeleteTable", &delete).await;
    }
}

/// Returns what a change shows.
pub(crate) fn content(record: &StreamRecord) -> &DynamoDbRecord {
    let StreamContent::DynamoDb(content) = &record.content else {
        panic!("{record:?}")
    };
    content
}

/// Returns an image as JSON; null if there is none.
pub(crate) fn value(item: Option<&String>) -> Value {
    item.map_or(Value::Null, |item| serde_json::from_str(item).unwrap())
}

/// Returns the text that [`Table::put_text`] put.
pub(crate) fn text(record: &StreamRecord) -> String {
    let image = value(content(record).new_image.as_ref());
    image["text"]["S"].as_str().unwrap().to_owned()
}
