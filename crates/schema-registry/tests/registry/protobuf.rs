//! Protobuf as JSON. Records were written by Python's protobuf 7.36.2, and the JSON is what it made of them.

use lambda_esm_schema_registry::{
    Attribute, DataFormat, Framing, RecordFormat, Reference, RegisteredSchema,
};

use crate::support::{confluent, decode, decoder, fault, glue, hex, json};

const ORDER: &str = r#"syntax = "proto3";
package shop;
import "address.proto";
import "google/protobuf/timestamp.proto";
import "google/protobuf/wrappers.proto";
message First { string only = 1; }
message Order {
  message Line { string sku = 1; int32 count = 2; }
  int64 order_id = 1;
  repeated Line lines = 2;
  Address ship_to = 3;
  google.protobuf.Timestamp at = 4;
  map<string, double> prices = 5;
  enum State { UNKNOWN = 0; SENT = 1; }
  State state = 6;
  bytes raw = 7;
  oneof how { string card = 8; bool cash = 9; }
  repeated sint32 deltas = 10;
  google.protobuf.Int64Value limit = 11;
  float rate = 12;
  uint64 unset = 13;
}
"#;
const ADDRESS: &str = "syntax = \"proto3\";\npackage shop;\nimport \"country.proto\";\n\
    message Address { string street = 1; geo.Country country = 2; }\n";
const COUNTRY: &str =
    "syntax = \"proto3\";\npackage geo;\nenum Country { NOWHERE = 0; NO = 47; }\n";

const RECORD: &str = "088180808080808010120e0a017810feffffffffffffffff0112030a01791a090a055761792031102f220b08c0\
    a7b0d80610c0a9d33a2a0c0a016111000000000000f83f30013a0200ff480052040104d7045a02080765cdcccc3d";
const JSON: &str = r#"{"orderId":"9007199254740993","lines":[{"sku":"x","count":-2},{"sku":"y"}],
"shipTo":{"street":"Way 1","country":"NO"},"at":"2026-11-29T12:00:00.123Z","prices":{"a":1.5},"state":"SENT",
"raw":"AP8=","cash":false,"deltas":[-1,2,-300],"limit":"7","rate":0.1}"#;

fn schema() -> RegisteredSchema {
    RegisteredSchema::new(DataFormat::Protobuf, ORDER).with_references(vec![
        Reference::new("address.proto", ADDRESS),
        Reference::new("country.proto", COUNTRY),
    ])
}

fn of(text: &str) -> RegisteredSchema {
    RegisteredSchema::new(DataFormat::Protobuf, text)
}

fn record(index: &[u8]) -> Vec<u8> {
    [index, &hex(&RECORD.replace(char::is_whitespace, ""))].concat()
}

#[tokio::test]
async fn a_message_becomes_canonical_json() {
    // Message 1 of the file: a path of one number, which is 1; both twice as large for their signs.
    let decoded = json(&schema(), &record(&[2, 2])).await;
    assert_eq!(decoded, JSON.replace('\n', ""));
}

#[tokio::test]
async fn the_message_is_found_by_its_path() {
    let first = json(&schema(), b"\x00\x0a\x01n").await;
    assert_eq!(first, r#"{"only":"n"}"#);
    let same = json(&schema(), b"\x02\x00\x0a\x01n").await;
    assert_eq!(same, first);
    let line = json(&schema(), b"\x04\x02\x00\x0a\x01n\x10\x03").await;
    assert_eq!(line, r#"{"sku":"n","count":3}"#);
}

#[tokio::test]
async fn glue_numbers_messages_by_their_full_names() {
    // First, Order, Order.Line, Order.PricesEntry.
    let decoder = decoder(&schema(), Framing::Glue, RecordFormat::Json);
    for (index, payload, json) in [
        (0, &b"\x0a\x01n"[..], r#"{"only":"n"}"#),
        (2, b"\x0a\x01n\x10\x03", r#"{"sku":"n","count":3}"#),
    ] {
        let framed = glue(&[&[index], payload].concat());
        let decoded = decoder.decode(Attribute::Value, framed).await.unwrap();
        assert_eq!(decoded.payload, json.as_bytes());
    }
    let framed = glue(&record(&[1]));
    let decoded = decoder.decode(Attribute::Value, framed).await.unwrap();
    assert_eq!(decoded.payload, JSON.replace('\n', "").as_bytes());
    let error = decoder
        .decode(Attribute::Value, glue(&[4]))
        .await
        .unwrap_err();
    assert!(
        error.to_string().ends_with("names message 4 of 4"),
        "{error}"
    );
}

#[tokio::test]
async fn the_source_begins_with_which_message_it_is() {
    let payload = record(&[2, 2]);
    for (framing, framed) in [
        (Framing::Confluent, confluent(&payload)),
        (Framing::Glue, glue(&record(&[1]))),
    ] {
        let decoder = decoder(&schema(), framing, RecordFormat::Source);
        let decoded = decoder
            .decode(Attribute::Value, framed.clone())
            .await
            .unwrap();
        assert!(framed.ends_with(&decoded.payload));
        let index = usize::from(framing == Framing::Confluent) + 1;
        assert_eq!(decoded.payload.len(), payload.len() - 2 + index);
        assert_eq!(decoded.json, JSON.replace('\n', "").as_bytes());
        assert_eq!(decoded.schema.unwrap().data_format, DataFormat::Protobuf);
    }
}

#[tokio::test]
async fn what_names_no_message_is_refused_in_words() {
    for (record, words) in [
        (&[][..], "ends before it names its message"),
        (&[2], "ends before it names its message"),
        (&[2, 4], "names a message that its schema does not have"),
        (&[4, 0, 0], "names a message that its schema does not have"),
        (&[2, 1], "names message -1"),
        (&[1], "names its message by -1 numbers"),
        (&[0xfe, 0xff, 3], "names its message by 32767 numbers"),
        (
            &[0xff; 11],
            "names its message by a number of more than 63 bits",
        ),
    ] {
        assert_eq!(fault(&schema(), record).await, words, "{record:?}");
    }
}

#[tokio::test]
async fn a_corrupt_message_is_refused() {
    let whole = record(&[2, 2]);
    let error = fault(&schema(), &whole[..whole.len() - 1]).await;
    assert!(error.contains("failed to decode"), "{error}");
    let wrong_type = fault(&schema(), b"\x00\x08\x01").await;
    assert!(wrong_type.contains("wire type"), "{wrong_type}");
}

#[tokio::test]
async fn a_schema_that_cannot_be_compiled_is_told() {
    for (schema, words) in [
        (
            of("syntax = \"proto3\"; message A {"),
            "the value cannot be read, since schema 7 cannot: ",
        ),
        (of("syntax = \"proto3\"; import \"x.proto\";"), "x.proto"),
        (of("syntax = \"proto3\"; message A { B b = 1; }"), "'B'"),
    ] {
        let error = fault(&schema, &[0]).await;
        assert!(error.contains(words), "{error}");
    }
}

#[tokio::test]
async fn a_message_that_is_nested_too_deep_is_refused() {
    let schema = of("syntax = \"proto3\"; message L { L next = 1; }");
    let mut record = Vec::new();
    for _ in 0..90 {
        let mut length = Vec::new();
        let mut left = record.len();
        while left >= 0x80 {
            length.push((left & 0x7f) as u8 | 0x80);
            left >>= 7;
        }
        length.push(left as u8);
        record = [&[0x0a], &length[..], &record].concat();
    }
    assert!(decode(&schema, &[&[0], &record[..]].concat()).await.is_ok());
    for _ in 0..20 {
        let length = [
            (record.len() & 0x7f) as u8 | 0x80,
            (record.len() >> 7) as u8,
        ];
        record = [&[0x0a], &length[..], &record].concat();
    }
    let error = fault(&schema, &[&[0], &record[..]].concat()).await;
    assert!(error.contains("recursion limit"), "{error}");
}

#[tokio::test]
async fn a_message_that_is_too_long_as_json_is_refused() {
    let schema = of("syntax = \"proto3\"; message A { repeated bool b = 1; }");
    let count = 2_000_000;
    let mut record = hex("000a80897a");
    record.resize(record.len() + count, 1);
    assert_eq!(fault(&schema, &record).await, "is more than 6 MB as JSON");
}
