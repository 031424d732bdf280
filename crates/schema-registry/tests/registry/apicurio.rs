//! A real registry: Apicurio, which has Confluent's API.

use std::sync::Arc;

use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use lambda_esm_schema_registry::{
    Attribute, ConfluentConfig, ConfluentRegistry, DataFormat, DecodeError, DecoderSettings,
    Framing, RecordDecoder, RecordFormat,
};
use serde_json::{Value, json};
use uuid::Uuid;

/// A registry of schemas whose subjects have names of their own.
struct Registry {
    url: String,
}

impl Registry {
    fn find() -> Option<Self> {
        let variable = "LAMBDA_ESM_TEST_APICURIO";
        let Ok(server) = std::env::var(variable) else {
            println!("skipped: {variable} names no server");
            return None;
        };
        let url = format!("{server}/apis/ccompat/v7");
        Some(Self { url })
    }

    /// Registers a schema, and returns its subject and number.
    async fn register(&self, schema: Value) -> (String, u32) {
        let subject = format!("of/{} é", Uuid::new_v4());
        let path = subject
            .replace('/', "%2F")
            .replace(' ', "%20")
            .replace('é', "%C3%A9");
        let request = Request::post(format!("{}/subjects/{path}/versions", self.url))
            .header("content-type", "application/json")
            .body(Full::new(Bytes::from(schema.to_string())))
            .unwrap();
        let client = Client::builder(TokioExecutor::new()).build_http();
        let response = client.request(request).await.unwrap();
        let body = response.into_body().collect().await.unwrap().to_bytes();
        let answer: Value = serde_json::from_slice(&body).unwrap();
        let number = answer["id"].as_u64();
        let number = number.unwrap_or_else(|| panic!("{answer}"));
        (subject, number.try_into().unwrap())
    }

    fn decoder(&self, format: RecordFormat) -> RecordDecoder {
        let registry = ConfluentRegistry::new(&ConfluentConfig::new(&self.url)).unwrap();
        let settings = DecoderSettings::new(Framing::Confluent, format).with_values(true);
        RecordDecoder::new(Arc::new(registry), settings)
    }
}

fn framed(number: u32, payload: &[u8]) -> Bytes {
    [&[0], &number.to_be_bytes()[..], payload].concat().into()
}

fn reference(name: &str, subject: &str) -> Value {
    json!([{"name": name, "subject": subject, "version": 1}])
}

#[tokio::test]
async fn avro_protobuf_and_json_schema_with_references_decode_records_of_a_real_registry() {
    let Some(registry) = Registry::find() else {
        return;
    };
    let avro = r#"{"type":"record","name":"Line","namespace":"a","fields":[{"name":"sku","type":"string"}]}"#;
    let (subject, _) = registry.register(json!({"schema": avro})).await;
    let avro = r#"{"type":"record","name":"Order","namespace":"b","fields":[{"name":"line","type":"a.Line"}]}"#;
    let (_, avro) = registry
        .register(json!({"schema": avro, "references": reference("a.Line", &subject)}))
        .await;

    let line = "syntax = \"proto3\"; package a; message Line { string sku = 1; }";
    let (subject, _) = registry
        .register(json!({"schema": line, "schemaType": "PROTOBUF"}))
        .await;
    let order = "syntax = \"proto3\"; package b; import \"a/line.proto\"; import \"google/protobuf/timestamp.proto\";
        message First {} message Order { a.Line line = 1; google.protobuf.Timestamp at = 2; }";
    let references = reference("a/line.proto", &subject);
    let (_, protobuf) = registry
        .register(json!({"schema": order, "schemaType": "PROTOBUF", "references": references}))
        .await;

    let line = r#"{"type":"object","properties":{"sku":{"type":"string"}}}"#;
    let (subject, _) = registry
        .register(json!({"schema": line, "schemaType": "JSON"}))
        .await;
    let order = r#"{"type":"object","properties":{"line":{"$ref":"line.json"}}}"#;
    let references = reference("line.json", &subject);
    let (_, json) = registry
        .register(json!({"schema": order, "schemaType": "JSON", "references": references}))
        .await;

    let expected = r#"{"line":{"sku":"x"}}"#;
    for (number, payload, format) in [
        (avro, &b"\x02x"[..], DataFormat::Avro),
        (protobuf, b"\x02\x02\x0a\x03\x0a\x01x", DataFormat::Protobuf),
        (json, expected.as_bytes(), DataFormat::Json),
    ] {
        let record = framed(number, payload);
        let decoder = registry.decoder(RecordFormat::Source);
        let decoded = decoder.decode(Attribute::Value, record).await.unwrap();
        assert_eq!(decoded.json, expected.as_bytes(), "{format:?}");
        assert_eq!(decoded.payload, payload);
        let metadata = decoded.schema.unwrap();
        assert_eq!(metadata.data_format, format);
        assert_eq!(*metadata.schema_id, number.to_string());
    }
    let failure = registry
        .decoder(RecordFormat::Json)
        .decode(Attribute::Value, framed(json, br#"{"line":{"sku":1}}"#))
        .await;
    let Err(DecodeError::Deserialization(text)) = failure else {
        panic!("{failure:?}");
    };
    assert!(
        text.ends_with("at /line/sku: value is not of type \"string\""),
        "{text}"
    );
}

#[tokio::test]
async fn a_schema_that_a_real_registry_lacks_is_not_found() {
    let Some(registry) = Registry::find() else {
        return;
    };
    let decoder = registry.decoder(RecordFormat::Json);
    let failure = decoder
        .decode(Attribute::Value, framed(2_000_000_000, b""))
        .await
        .unwrap_err();
    assert_eq!(failure.reason(), Some("SCHEMA_NOT_FOUND"), "{failure}");
    // A path that the registry does not know is a wrong URL, and no reason to drop a record.
    let wrong = ConfluentConfig::new(format!("{}/nowhere", registry.url));
    let wrong = ConfluentRegistry::new(&wrong).unwrap();
    let settings = DecoderSettings::new(Framing::Confluent, RecordFormat::Json).with_values(true);
    let decoder = RecordDecoder::new(Arc::new(wrong), settings);
    let failure = decoder
        .decode(Attribute::Value, framed(1, b""))
        .await
        .unwrap_err();
    assert_eq!(failure.reason(), None, "{failure}");
}
