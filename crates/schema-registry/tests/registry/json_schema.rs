//! JSON that is held to a JSON Schema.

use lambda_esm_schema_registry::{
    Attribute, DataFormat, Framing, RecordFormat, Reference, RegisteredSchema,
};

use crate::support::{confluent, decoder, fault, json};

fn of(text: &str) -> RegisteredSchema {
    RegisteredSchema::new(DataFormat::Json, text)
}

#[tokio::test]
async fn a_valid_record_stays_as_it_is() {
    let schema = of(r#"{"type":"object","required":["a"]}"#);
    let record = r#"{ "b" : 1.0e2, "a" : "é" }"#;
    assert_eq!(json(&schema, record.as_bytes()).await, record);
    let decoder = decoder(&schema, Framing::Confluent, RecordFormat::Source);
    let framed = confluent(record.as_bytes());
    let decoded = decoder.decode(Attribute::Value, framed).await.unwrap();
    assert_eq!(decoded.payload, record.as_bytes());
    assert_eq!(decoded.schema.unwrap().data_format, DataFormat::Json);
}

#[tokio::test]
async fn an_invalid_record_is_refused_without_showing_it() {
    let schema = of(r#"{"properties":{"pin":{"type":"integer"},"name":{"maxLength":3}}}"#);
    let error = fault(&schema, br#"{"pin":"s3cret"}"#).await;
    assert_eq!(error, "at /pin: value is not of type \"integer\"");
    let error = fault(&schema, br#"{"name":"s3cret"}"#).await;
    assert!(error.starts_with("at /name: value is longer"), "{error}");
    let error = fault(&of("false"), b"1").await;
    assert!(error.starts_with("at /: "), "{error}");
}

#[tokio::test]
async fn what_is_not_json_is_refused() {
    for record in [&b""[..], b"{", b"\xff", b"1 2", b"NaN"] {
        let error = fault(&of("{}"), record).await;
        assert!(error.starts_with("is not JSON: "), "{error}");
    }
    let deep = "[".repeat(200) + &"]".repeat(200);
    let error = fault(&of("{}"), deep.as_bytes()).await;
    assert!(error.contains("recursion limit"), "{error}");
}

#[tokio::test]
async fn references_are_found_by_name_and_by_id() {
    let address = r##"{"$id":"http://other.example/address.json","type":"object",
        "properties":{"country":{"$ref":"country.json"}}}"##;
    let country = r#"{"enum":["NO","SE"]}"#;
    for reference in [
        "address.json",
        "http://other.example/address.json",
        "address.json#",
    ] {
        let text = format!(
            r#"{{"$id":"http://shop.example/order.json","properties":{{"to":{{"$ref":"{reference}"}}}}}}"#
        );
        let schema = of(&text).with_references(vec![
            Reference::new("address.json", address),
            Reference::new("country.json", country),
        ]);
        let record = r#"{"to":{"country":"SE"}}"#;
        assert_eq!(json(&schema, record.as_bytes()).await, record);
        let error = fault(&schema, br#"{"to":{"country":"DK"}}"#).await;
        assert!(error.starts_with("at /to/country: "), "{error}");
    }
}

#[tokio::test]
async fn a_reference_that_the_registry_does_not_give_is_fetched_from_nowhere() {
    for reference in [
        "http://127.0.0.1:1/x.json",
        "file:///etc/hostname",
        "x.json",
    ] {
        let schema = of(&format!(r#"{{"$ref":"{reference}"}}"#));
        let error = fault(&schema, b"{}").await;
        let words = format!("Resource '{reference}' is not present in a registry");
        assert!(error.contains(&words), "{error}");
    }
}

#[tokio::test]
async fn a_schema_without_a_draft_follows_draft_7() {
    // Draft 2020-12 has another meaning for an array here, and does not know `definitions`.
    let text = r##"{"items":[{"$ref":"#/definitions/a"},{"type":"string"}],"definitions":{"a":{"type":"integer"}}}"##;
    assert_eq!(json(&of(text), br#"[1,"a"]"#).await, r#"[1,"a"]"#);
    let error = fault(&of(text), br#"[1,2]"#).await;
    assert!(error.starts_with("at /1: "), "{error}");
    let named = r#"{"$schema":"https://json-schema.org/draft/2020-12/schema","prefixItems":[{"type":"integer"}]}"#;
    let error = fault(&of(named), br#"["a"]"#).await;
    assert!(error.starts_with("at /0: "), "{error}");
}

#[tokio::test]
async fn a_schema_that_is_none_is_told() {
    for text in ["", "[]", r#"{"type":"nothing"}"#] {
        let error = fault(&of(text), b"{}").await;
        assert!(
            error.starts_with("the value cannot be read, since schema 7 cannot: "),
            "{error}"
        );
    }
}
