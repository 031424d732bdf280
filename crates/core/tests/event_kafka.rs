//! Kafka events, against an independent reader and the documented shapes.

#![expect(clippy::unwrap_used, reason = "tests stop at the first surprise")]

use std::sync::Arc;

use aws_lambda_events::kafka::KafkaEvent;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use lambda_esm_core::Timestamp;
use lambda_esm_core::event::kafka::KafkaEncoder;
use lambda_esm_core::record::{DecodeFailure, KafkaRecord, Schema, Schemas, TimestampType};
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::{Value, json};

const CLUSTER: &str = "arn:aws:kafka:eu-west-1:123456789012:cluster/orders/e9f754c6-d29a-4430-4";
const BROKERS: &str = "b-2.orders.kafka.eu-west-1.amazonaws.com:9092,b-1:9092";

type Header = (Arc<str>, Option<Bytes>);

fn encoder() -> KafkaEncoder {
    KafkaEncoder::self_managed(BROKERS, "orders")
}

fn header(name: &str, value: Option<&'static [u8]>) -> Header {
    (name.into(), value.map(Bytes::from_static))
}

fn record(offset: i64, value: Option<&'static [u8]>) -> KafkaRecord {
    let time = Timestamp(1_545_084_650_987);
    KafkaRecord::new(offset, time, value.map(Bytes::from_static))
}

fn fragment(encoder: &KafkaEncoder, partition: i32, record: &KafkaRecord) -> Vec<u8> {
    let mut out = Vec::new();
    encoder.write(&mut out, partition, record);
    out
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

/// Returns the event of the fragments, with the partition of each.
fn event(encoder: &KafkaEncoder, fragments: &[(i32, Vec<u8>)]) -> Bytes {
    let borrowed = fragments.iter();
    encoder.event(borrowed.map(|(partition, fragment)| (*partition, fragment.as_slice())))
}

#[test]
fn a_record_has_the_documented_members_in_the_documented_order() {
    let record = record(15, Some(b"Hello"))
        .with_key(Some(Bytes::from_static(b"key\xff")))
        .with_headers(vec![header("headerKey", Some(b"headerValue"))]);
    let expected = concat!(
        r#"{"topic":"orders","partition":0,"offset":15,"timestamp":1545084650987,"#,
        r#""timestampType":"CREATE_TIME","key":"a2V5/w==","value":"SGVsbG8=","#,
        r#""headers":[{"headerKey":[104,101,97,100,101,114,86,97,108,117,101]}]}"#,
    );
    assert_eq!(text(&fragment(&encoder(), 0, &record)), expected);
}

#[test]
fn what_a_record_lacks_is_left_out() {
    let record = record(0, None).with_timestamp_type(TimestampType::LogAppendTime);
    let expected = concat!(
        r#"{"topic":"orders","partition":11,"offset":0,"timestamp":1545084650987,"#,
        r#""timestampType":"LOG_APPEND_TIME","headers":[]}"#,
    );
    assert_eq!(text(&fragment(&encoder(), 11, &record)), expected);
}

#[test]
fn a_record_without_a_time_has_the_number_that_kafka_gives_it() {
    let record = KafkaRecord::new(i64::MAX, Timestamp(-1), None);
    let read: Value = serde_json::from_slice(&fragment(&encoder(), 0, &record)).unwrap();
    assert_eq!(read["timestamp"], json!(-1));
    assert_eq!(read["offset"], json!(i64::MAX));
}

#[test]
fn empty_keys_and_values_are_there() {
    let record = record(0, Some(b"")).with_key(Some(Bytes::new()));
    let read: Value = serde_json::from_slice(&fragment(&encoder(), 0, &record)).unwrap();
    assert_eq!((&read["key"], &read["value"]), (&json!(""), &json!("")));
}

#[test]
fn headers_keep_their_order_their_repetitions_and_their_bytes_as_signed_numbers() {
    let headers = vec![
        header("b", Some(b"\x00\x7f\x80\xff\x0a\x63\x64\x9c\x9d")),
        header("a", None),
        header("b", Some(b"")),
        header("\"\n", Some(b"\x01")),
    ];
    let fragment = fragment(&encoder(), 0, &record(1, None).with_headers(headers));
    let read: Value = serde_json::from_slice(&fragment).unwrap();
    let expected = json!([
        {"b": [0, 127, -128, -1, 10, 99, 100, -100, -99]}, {"a": []}, {"b": []}, {"\"\n": [1]},
    ]);
    assert_eq!(read["headers"], expected);
}

#[test]
fn a_decoded_record_names_the_schemas_it_was_decoded_with() {
    let schema = |data_format, id: &str| {
        Some(Schema {
            data_format,
            id: id.into(),
        })
    };
    let schemas = Schemas::default()
        .with_key(schema("JSON", "7"))
        .with_value(schema("AVRO", "{\"}"));
    let record = record(1, Some(b"{}")).with_schemas(Some(Box::new(schemas)));
    let fragment = fragment(&encoder(), 0, &record);
    let expected = concat!(
        r#","headers":[],"keySchemaMetadata":{"dataFormat":"JSON","schemaId":"7"},"#,
        r#""valueSchemaMetadata":{"dataFormat":"AVRO","schemaId":"{\"}"}}"#,
    );
    assert!(text(&fragment).ends_with(expected), "{}", text(&fragment));
}

#[test]
fn a_record_that_could_not_be_decoded_names_no_schemas() {
    let failure = DecodeFailure {
        condition: lambda_esm_core::on_failure_record::Condition::SchemaNotFound,
        because: "no schema 9".to_owned(),
    };
    let schemas = Schemas::default().with_failure(Some(failure));
    let with = record(1, Some(b"\0")).with_schemas(Some(Box::new(schemas)));
    let without = record(1, Some(b"\0"));
    let encoder = encoder();
    assert_eq!(
        fragment(&encoder, 0, &with),
        fragment(&encoder, 0, &without)
    );
}

#[test]
fn metadata_is_the_fragment_without_the_value() {
    let record = record(1, Some(b"value"))
        .with_key(Some(Bytes::from_static(b"key")))
        .with_headers(vec![header("h", Some(b"x"))]);
    let mut metadata = Vec::new();
    encoder().write_metadata(&mut metadata, 3, &record);
    let whole = fragment(&encoder(), 3, &record);
    let whole = text(&whole).replace(r#""value":"dmFsdWU=","#, "");
    assert_eq!(text(&metadata), whole);
}

#[test]
fn an_event_groups_records_by_partition_in_the_order_of_their_first_appearance() {
    let encoder = KafkaEncoder::msk(CLUSTER, BROKERS, "orders");
    let fragments = [
        (2, b"1".to_vec()),
        (10, b"2".to_vec()),
        (2, b"3".to_vec()),
        (0, b"4".to_vec()),
        (10, b"5".to_vec()),
        (10, b"6".to_vec()),
    ];
    let expected = format!(
        concat!(
            r#"{{"eventSource":"aws:kafka","eventSourceArn":"{}","bootstrapServers":"{}","#,
            r#""records":{{"orders-2":[1,3],"orders-10":[2,5,6],"orders-0":[4]}}}}"#,
        ),
        CLUSTER, BROKERS
    );
    assert_eq!(text(&event(&encoder, &fragments)), expected);
    assert_eq!(encoder.topic_partition(10), "orders-10");
}

#[test]
fn the_event_of_a_self_managed_cluster_has_no_arn() {
    let expected = format!(
        r#"{{"eventSource":"SelfManagedKafka","bootstrapServers":"{BROKERS}","records":{{"orders-0":[1]}}}}"#
    );
    assert_eq!(text(&event(&encoder(), &[(0, b"1".to_vec())])), expected);
}

fn bytes() -> impl Strategy<Value = Bytes> {
    vec(any::<u8>(), 0..40).prop_map(Bytes::from)
}

fn records() -> impl Strategy<Value = Vec<(i32, KafkaRecord)>> {
    let header = ("(?s).{0,9}", proptest::option::of(bytes()));
    let header = header.prop_map(|(name, value)| (name.into(), value));
    let content = (
        proptest::option::of(bytes()),
        proptest::option::of(bytes()),
        vec(header, 0..3),
    );
    let place = (
        0..14_i32,
        any::<i64>(),
        -1..4_000_000_000_000_i64,
        any::<bool>(),
    );
    let record = (place, content).prop_map(|(place, (key, value, headers))| {
        let (partition, offset, time, appended) = place;
        let record = KafkaRecord::new(offset, Timestamp(time), value)
            .with_key(key)
            .with_headers(headers)
            .with_timestamp_type(match appended {
                true => TimestampType::LogAppendTime,
                false => TimestampType::CreateTime,
            });
        (partition, record)
    });
    vec(record, 0..20)
}

proptest! {
    #[test]
    fn an_independent_reader_finds_every_record_as_it_was(
        records in records(), topic in "(?s).{0,12}", brokers in "(?s).{0,20}",
    ) {
        let encoder = KafkaEncoder::msk(CLUSTER, &brokers, &topic);
        let encode = |(partition, record): &_| (*partition, fragment(&encoder, *partition, record));
        let fragments: Vec<(i32, Vec<u8>)> = records.iter().map(encode).collect();
        let event: KafkaEvent = serde_json::from_slice(&event(&encoder, &fragments)).unwrap();
        prop_assert_eq!(event.event_source.as_deref(), Some("aws:kafka"));
        prop_assert_eq!(event.event_source_arn.as_deref(), Some(CLUSTER));
        prop_assert_eq!(event.bootstrap_servers, Some(brokers));
        let found = event.records.values().map(Vec::len).sum::<usize>();
        prop_assert_eq!(found, records.len());
        for (name, found) in &event.records {
            let of_it = records.iter().filter(|(partition, _)| encoder.topic_partition(*partition) == *name);
            for (read, (partition, record)) in found.iter().zip(of_it) {
                prop_assert_eq!(read.topic.as_ref(), Some(&topic));
                prop_assert_eq!((read.partition, read.offset), (i64::from(*partition), record.offset));
                // The reader counts in seconds, with what a 64-bit float loses of them.
                let time = read.timestamp.timestamp_millis();
                prop_assert!(time.abs_diff(record.timestamp.millis()) <= 1, "{time}");
                let kind = match record.timestamp_type {
                    TimestampType::CreateTime => "CREATE_TIME",
                    TimestampType::LogAppendTime => "LOG_APPEND_TIME",
                };
                prop_assert_eq!(read.timestamp_type.as_deref(), Some(kind));
                let decode = |text: &Option<String>| text.as_ref().map(|text| Bytes::from(STANDARD.decode(text).unwrap()));
                prop_assert_eq!(&decode(&read.key), &record.key);
                prop_assert_eq!(&decode(&read.value), &record.value);
                let headers: Vec<Header> = read.headers.iter().flatten().map(|(name, value)| {
                    let value = value.iter().map(|byte| byte.cast_unsigned()).collect::<Vec<u8>>();
                    (name.as_str().into(), Some(value.into()))
                }).collect();
                let written: Vec<Header> = record.headers.iter().map(|(name, value)| {
                    (name.clone(), Some(value.clone().unwrap_or_default()))
                }).collect();
                prop_assert_eq!(headers, written);
            }
        }
    }

    #[test]
    fn the_size_of_an_event_is_known_from_its_parts(
        fragments in vec((prop_oneof![0..120_i32, any::<i32>()], vec(any::<u8>(), 1..30)), 0..30),
        topic in "(?s).{0,12}",
    ) {
        let encoder = KafkaEncoder::self_managed(BROKERS, &topic);
        let mut partitions: Vec<i32> = fragments.iter().map(|(partition, _)| *partition).collect();
        partitions.sort_unstable();
        partitions.dedup();
        let partitions = partitions.iter().map(|partition| encoder.partition_overhead(*partition));
        let records = fragments.iter().map(|(_, fragment)| fragment.len() + 1);
        let sum = encoder.overhead() + partitions.sum::<usize>() + records.sum::<usize>();
        let size = event(&encoder, &fragments).len();
        prop_assert_eq!(size + usize::from(!fragments.is_empty()), sum);
    }
}
