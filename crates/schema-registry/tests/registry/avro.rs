//! Avro as JSON. Records were written by fastavro 1.13.1 unless they say otherwise.

use lambda_esm_schema_registry::{Attribute, DataFormat, Framing, RecordFormat, Reference};

use crate::support::{avro, confluent, decode, decoder, fault, glue, hex, json};

const ORDER: &str = r#"{"type": "record", "name": "Order", "namespace": "shop", "fields": [
    {"name": "id", "type": "long"}, {"name": "count", "type": "int"}, {"name": "paid", "type": "boolean"},
    {"name": "rate", "type": "float"}, {"name": "price", "type": "double"},
    {"name": "note", "type": ["null", "string"], "default": null},
    {"name": "gone", "type": ["null", "string"], "default": null},
    {"name": "raw", "type": "bytes"}, {"name": "hash", "type": {"type": "fixed", "name": "Hash", "size": 4}},
    {"name": "state", "type": {"type": "enum", "name": "State", "symbols": ["NEW", "SENT"]}},
    {"name": "lines", "type": {"type": "array", "items": {"type": "record", "name": "Line", "fields": [
        {"name": "sku", "type": "string"}, {"name": "again", "type": ["null", "Line"]},
        {"name": "hash", "type": "Hash"}]}}},
    {"name": "tags", "type": {"type": "map", "values": ["int", "string"]}},
    {"name": "at", "type": {"type": "long", "logicalType": "timestamp-millis"}},
    {"name": "day", "type": {"type": "int", "logicalType": "date"}},
    {"name": "total", "type": {"type": "bytes", "logicalType": "decimal", "precision": 9, "scale": 2}},
    {"name": "key", "type": {"type": "string", "logicalType": "uuid"}},
    {"name": "nothing", "type": {"type": "record", "name": "Nothing", "fields": []}}]}"#;

const RECORD: &str = "ffffffffffffffffff01810101cdcccc3d9c7500883ce4377e020c6822c3a90a0100060041ff010203040204\
    0261020262007778797a61626364000065666768000402780002027902027a00f699e9f2c468e4c40204fb2e48623762346137\
    66302d396339362d346534612d613638372d666235646539656630633633";

fn record() -> Vec<u8> {
    hex(&RECORD.replace(char::is_whitespace, ""))
}

#[tokio::test]
async fn every_type_becomes_plain_json_in_the_order_of_the_schema() {
    let expected = r#"{"id":-9223372036854775808,"count":-65,"paid":true,"rate":0.1,"price":1e+300,
"note":"h\"é\n\u0001","gone":null,"raw":"\u0000Aÿ","hash":"\u0001\u0002\u0003\u0004","state":"SENT",
"lines":[{"sku":"a","again":{"sku":"b","again":null,"hash":"wxyz"},"hash":"abcd"},{"sku":"","again":null,"hash":"efgh"}],
"tags":{"x":1,"y":"z"},"at":1795953600123,"day":20786,"total":"û.","key":"b7b4a7f0-9c96-4e4a-a687-fb5de9ef0c63",
"nothing":{}}"#;
    assert_eq!(
        json(&avro(ORDER), &record()).await,
        expected.replace('\n', "")
    );
}

#[tokio::test]
async fn the_function_is_given_json_or_the_source_and_filters_see_json() {
    let schema = avro(r#"{"type":"record","name":"A","fields":[{"name":"a","type":"int"}]}"#);
    for (framing, framed) in [
        (Framing::Confluent, confluent(&[84])),
        (Framing::Glue, glue(&[84])),
    ] {
        let id = match framing {
            Framing::Glue => "00000000-0000-0000-0000-000000000007",
            _ => "7",
        };
        for (format, payload, data_format) in [
            (RecordFormat::Json, &br#"{"a":42}"#[..], DataFormat::Json),
            (RecordFormat::Source, &[84], DataFormat::Avro),
        ] {
            let decoder = decoder(&schema, framing, format);
            let decoded = decoder
                .decode(Attribute::Value, framed.clone())
                .await
                .unwrap();
            assert_eq!(decoded.payload, payload);
            assert_eq!(decoded.json, &br#"{"a":42}"#[..]);
            let metadata = decoded.schema.unwrap();
            assert_eq!(metadata.data_format, data_format);
            assert_eq!(&*metadata.schema_id, id);
            // The other attribute is none of the registry's business.
            let key = decoder
                .decode(Attribute::Key, framed.clone())
                .await
                .unwrap();
            assert_eq!(
                (key.payload, key.json, key.schema),
                (framed.clone(), framed.clone(), None)
            );
        }
    }
}

#[tokio::test]
async fn types_of_references_are_known_by_their_full_names() {
    let line = r#"{"type":"record","name":"Line","namespace":"a.b","fields":[{"name":"of","type":"c.Country"}]}"#;
    let country = r#"{"type":"enum","name":"Country","namespace":"c","symbols":["NO","SE"]}"#;
    let order = avro(r#"{"type":"array","items":"a.b.Line"}"#).with_references(vec![
        Reference::new("a.b.Line", line),
        Reference::new("c.Country", country),
    ]);
    // Written by hand: two items, each with symbol 1 or 0.
    assert_eq!(
        json(&order, &[4, 2, 0, 0]).await,
        r#"[{"of":"SE"},{"of":"NO"}]"#
    );
    let without = avro(r#"{"type":"array","items":"a.b.Line"}"#);
    let error = fault(&without, &[0]).await;
    assert!(
        error.starts_with("the value cannot be read, since schema 7 cannot: "),
        "{error}"
    );
}

#[tokio::test]
async fn blocks_may_tell_their_length() {
    // By hand from the specification: count -2, length 2, items 1 and 2; count 1, item 3; end.
    let schema = avro(r#"{"type":"array","items":"int"}"#);
    assert_eq!(json(&schema, &[3, 4, 2, 4, 2, 6, 0]).await, "[1,2,3]");
    let schema = avro(r#"{"type":"map","values":"int"}"#);
    assert_eq!(
        json(&schema, &[1, 6, 2, b'a', 2, 2, 2, b'b', 4, 0]).await,
        r#"{"a":1,"b":2}"#
    );
}

#[tokio::test]
async fn numbers_that_json_lacks_are_texts() {
    let schema = avro(r#"{"type":"array","items":["float","double"]}"#);
    let mut record = vec![10];
    for float in [f32::NAN, f32::NEG_INFINITY, 1.0] {
        record.push(0);
        record.extend(float.to_le_bytes());
    }
    for double in [f64::INFINITY, -0.0] {
        record.push(2);
        record.extend(double.to_le_bytes());
    }
    record.push(0);
    assert_eq!(
        json(&schema, &record).await,
        r#"["NaN","-Infinity",1.0,"Infinity",-0.0]"#
    );
}

#[tokio::test]
async fn wrong_defaults_and_logical_types_hinder_no_record() {
    let schema = avro(
        r#"{"type":"record","name":"A","fields":[
            {"name":"a","type":["null","int"],"default":5},
            {"name":"b","type":{"type":"string","logicalType":"decimal","precision":-1}},
            {"name":"c","type":{"type":"fixed","name":"U","size":16,"logicalType":"uuid"}}]}"#,
    );
    let record = [&[0, 2, b'x'][..], &[b'u'; 16]].concat();
    assert_eq!(
        json(&schema, &record).await,
        r#"{"a":null,"b":"x","c":"uuuuuuuuuuuuuuuu"}"#
    );
}

#[tokio::test]
async fn every_cut_record_is_refused() {
    let schema = avro(ORDER);
    let record = record();
    for length in 0..record.len() {
        let error = fault(&schema, &record[..length]).await;
        assert_eq!(error, "ends in the middle of a value", "cut to {length}");
    }
}

#[tokio::test]
async fn what_does_not_fit_is_refused_in_words() {
    let ten = |last| [&[0xff; 9][..], &[last]].concat();
    for (schema, record, words) in [
        (
            r#""boolean""#,
            vec![2],
            "holds byte 2 where a boolean must be 0 or 1",
        ),
        (
            r#""int""#,
            hex("8080808010"),
            "holds 2147483648 where an int of 32 bits must be",
        ),
        (r#""long""#, ten(2), "holds a number of more than 64 bits"),
        (
            r#""long""#,
            ten(0xff),
            "holds a number of more than 64 bits",
        ),
        (r#""bytes""#, vec![1], "holds a negative length"),
        (
            r#""string""#,
            vec![2, 0xff],
            "holds a string that is not UTF-8",
        ),
        (r#"["null"]"#, vec![2], "names type 1 of a union of 1"),
        (r#"["null"]"#, vec![1], "names type -1 of a union of 1"),
        (
            r#"{"type":"enum","name":"E","symbols":["A"]}"#,
            vec![2],
            "names symbol 1 of an enum of 1",
        ),
    ] {
        assert_eq!(fault(&avro(schema), &record).await, words, "{schema}");
    }
}

#[tokio::test]
async fn a_record_that_grows_without_end_is_refused() {
    // 2^62 nulls, which take no byte each.
    let nulls = avro(r#"{"type":"array","items":"null"}"#);
    let record = [&[0x80; 8][..], &[0x80, 1]].concat();
    assert_eq!(fault(&nulls, &record).await, "is more than 6 MB as JSON");
    // Two of each of 40 within the other: 2^40 in all, of a record without a byte.
    let mut schema = r#""null""#.to_owned();
    for depth in 0..40 {
        schema = format!(
            r#"{{"type":"record","name":"R{depth}","fields":[{{"name":"a","type":{schema}}},{{"name":"b","type":{}}}]}}"#,
            if depth == 0 {
                r#""null""#.to_owned()
            } else {
                format!(r#""R{}""#, depth - 1)
            }
        );
    }
    assert_eq!(
        fault(&avro(&schema), &[]).await,
        "is more than 6 MB as JSON"
    );
    // A length that is not there is asked of nobody.
    assert_eq!(
        fault(&avro(r#""bytes""#), &hex("feffffffffffffffff01")).await,
        "ends in the middle of a value"
    );
}

#[tokio::test]
async fn a_record_that_is_nested_too_deep_is_refused() {
    let list = avro(r#"{"type":"record","name":"L","fields":[{"name":"n","type":["null","L"]}]}"#);
    let nested = |depth: usize| [vec![2; depth - 1], vec![0]].concat();
    assert!(decode(&list, &nested(100)).await.is_ok());
    assert_eq!(
        fault(&list, &nested(101)).await,
        "is nested more than 100 deep"
    );
    let endless = avro(r#"{"type":"record","name":"E","fields":[{"name":"e","type":"E"}]}"#);
    assert_eq!(fault(&endless, &[]).await, "is nested more than 100 deep");
}
