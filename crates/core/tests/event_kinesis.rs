//! Kinesis events, against an independent reader and the recorded shape.

#![expect(clippy::unwrap_used, reason = "tests stop at the first surprise")]

use std::time::Duration;

use aws_lambda_events::kinesis::KinesisEvent;
use bytes::Bytes;
use lambda_esm_core::Timestamp;
use lambda_esm_core::batching::{Batcher, CloseReason, Limits};
use lambda_esm_core::event::RECORDS;
use lambda_esm_core::event::kinesis::KinesisEncoder;
use lambda_esm_core::filter::{Dialect, Filters, Mismatch, Record, Scratch};
use lambda_esm_core::record::KinesisRecord;
use lambda_esm_core::stream::ShardId;
use proptest::prelude::*;
use serde_json::{Value, json};

const ARN: &str = "arn:aws:kinesis:eu-west-1:123456789012:stream/orders";
const CONSUMER: &str =
    "arn:aws:kinesis:eu-west-1:123456789012:stream/orders/consumer/billing:1700000000";
const ROLE: &str = "arn:aws:iam::123456789012:role/orders";
const SEQUENCE: &str = "49590338271490256608559692538361571095921575989136588898";

fn encoder() -> KinesisEncoder {
    KinesisEncoder::new(ARN, "eu-west-1", ROLE)
}

fn record(partition_key: &str, data: &[u8]) -> KinesisRecord {
    KinesisRecord::new(partition_key, Bytes::copy_from_slice(data))
}

fn shard() -> ShardId {
    ShardId::new("shardId-000000000006")
}

fn encode(encoder: &KinesisEncoder, records: &[(String, i64, KinesisRecord)]) -> Vec<u8> {
    let limits = Limits {
        count: usize::MAX,
        window: Duration::ZERO,
    };
    let mut batcher = Batcher::new(limits, RECORDS);
    for (sequence, arrival, record) in records {
        let closed = batcher.push(Timestamp(0), (), |(), out| {
            encoder.write(out, &shard(), sequence, Timestamp(*arrival), record);
        });
        assert!(matches!(closed, Ok(None)));
    }
    let batch = batcher.close(CloseReason::Available).unwrap();
    batch.payload().to_vec()
}

fn fragment(arrival: i64) -> Value {
    let mut out = Vec::new();
    encoder().write(
        &mut out,
        &shard(),
        SEQUENCE,
        Timestamp(arrival),
        &record("1", b"x"),
    );
    serde_json::from_slice(&out).unwrap()
}

#[test]
fn a_record_has_the_recorded_members_in_the_recorded_order() {
    let records = [(
        SEQUENCE.to_owned(),
        1_545_084_650_987,
        record("1", b"Hello, this is a test."),
    )];
    let expected = format!(
        concat!(
            r#"{{"Records":[{{"kinesis":{{"kinesisSchemaVersion":"1.0","partitionKey":"1","#,
            r#""sequenceNumber":"{0}","data":"SGVsbG8sIHRoaXMgaXMgYSB0ZXN0Lg==","#,
            r#""approximateArrivalTimestamp":1545084650.987}},"#,
            r#""eventSource":"aws:kinesis","eventVersion":"1.0","#,
            r#""eventID":"shardId-000000000006:{0}","eventName":"aws:kinesis:record","#,
            r#""invokeIdentityArn":"arn:aws:iam::123456789012:role/orders","#,
            r#""awsRegion":"eu-west-1","#,
            r#""eventSourceARN":"arn:aws:kinesis:eu-west-1:123456789012:stream/orders"}}]}}"#,
        ),
        SEQUENCE
    );
    assert_eq!(
        String::from_utf8(encode(&encoder(), &records)).unwrap(),
        expected
    );
}

#[test]
fn a_consumers_events_come_from_the_consumer() {
    let encoder = KinesisEncoder::new(CONSUMER, "eu-west-1", ROLE);
    let event: KinesisEvent =
        serde_json::from_slice(&encode(&encoder, &[("1".to_owned(), 0, record("k", b""))]))
            .unwrap();
    assert_eq!(event.records[0].event_source_arn.as_deref(), Some(CONSUMER));
    assert_eq!(event.records[0].kinesis.data.len(), 0);
}

#[test]
fn the_arrival_is_never_a_bare_integer() {
    for (arrival, text) in [
        (1_545_084_650_987, "1545084650.987"),
        (1_545_084_650_980, "1545084650.98"),
        (1_545_084_650_900, "1545084650.9"),
        (1_545_084_650_007, "1545084650.007"),
        (1_545_084_650_000, "1545084650.0"),
        (0, "0.0"),
        (-1, "-0.001"),
        (i64::MIN, "-9223372036854775.808"),
    ] {
        let mut out = Vec::new();
        encoder().write(
            &mut out,
            &shard(),
            SEQUENCE,
            Timestamp(arrival),
            &record("1", b"x"),
        );
        let out = String::from_utf8(out).unwrap();
        let expected = format!("\"approximateArrivalTimestamp\":{text}}}");
        assert!(out.contains(&expected), "{arrival}: {out}");
    }
}

#[test]
fn the_metadata_are_the_fragment_without_data_and_with_the_inner_members_at_the_root() {
    let mut out = Vec::new();
    let hostile = record("\"\\\n\u{0}", b"{}");
    encoder().write_metadata(&mut out, &shard(), SEQUENCE, Timestamp(1_500), &hostile);
    assert_eq!(
        serde_json::from_slice::<Value>(&out).unwrap(),
        json!({
            "kinesisSchemaVersion": "1.0", "partitionKey": "\"\\\n\u{0}", "sequenceNumber": SEQUENCE,
            "approximateArrivalTimestamp": 1.5, "eventSource": "aws:kinesis", "eventVersion": "1.0",
            "eventID": format!("shardId-000000000006:{SEQUENCE}"),
            "eventName": "aws:kinesis:record", "invokeIdentityArn": ROLE,
            "awsRegion": "eu-west-1", "eventSourceARN": ARN,
        })
    );
}

#[test]
fn filters_see_the_data_and_its_metadata() {
    let hit = |pattern: &str, data: &[u8]| {
        let filters = Filters::compile(&[pattern], Dialect::Lambda, Default::default()).unwrap();
        let mut metadata = Vec::new();
        let at = Timestamp(1_545_084_650_987);
        encoder().write_metadata(&mut metadata, &shard(), SEQUENCE, at, &record("7", data));
        let record = Record {
            data_key: "data",
            data,
            metadata: &[&metadata],
            on_mismatch: Mismatch::Drop,
        };
        filters
            .matches_record(&record, &mut Scratch::default())
            .is_some()
    };
    let data = br#"{"event_type":"function_1","message":"foo"}"#;
    assert!(hit(r#"{"data":{"event_type":["function_1"]}}"#, data));
    assert!(!hit(r#"{"data":{"event_type":["function_2"]}}"#, data));
    assert!(hit(
        r#"{"partitionKey":["7"],"data":{"message":["foo"]}}"#,
        data
    ));
    assert!(!hit(
        r#"{"partitionKey":["8"],"data":{"message":["foo"]}}"#,
        data
    ));
    assert!(hit(r#"{"eventSource":["aws:kinesis"]}"#, b"not JSON"));
    assert!(hit(
        r#"{"eventID":[{"prefix":"shardId-000000000006:"}]}"#,
        data
    ));
    let since = |seconds: u64| {
        format!(r#"{{"approximateArrivalTimestamp":[{{"numeric":[">",{seconds}]}}]}}"#)
    };
    assert!(hit(&since(1_545_084_650), data));
    assert!(!hit(&since(1_545_084_651), data));
}

proptest! {
    #[test]
    fn every_record_is_read_back_by_an_independent_reader(
        records in prop::collection::vec(
            ("(?s).{0,20}", "(?s).{0,40}", prop::collection::vec(any::<u8>(), 0..80), 1i64..4_000_000_000, 1i64..1_000),
            1..8,
        ),
    ) {
        // The reader takes the fraction's digits for milliseconds, so .98 for 98: it is given numbers of
        // three digits only. The property below reads the others.
        let records: Vec<(String, i64, KinesisRecord)> = records
            .into_iter()
            .map(|(sequence, key, data, seconds, millis)| {
                let millis = if millis % 10 == 0 { millis + 1 } else { millis };
                (sequence, seconds * 1_000 + millis, record(&key, &data))
            })
            .collect();
        let event: KinesisEvent = serde_json::from_slice(&encode(&encoder(), &records)).unwrap();
        prop_assert_eq!(event.records.len(), records.len());
        for (read, (sequence, arrival, record)) in event.records.iter().zip(&records) {
            prop_assert_eq!(&read.kinesis.sequence_number, sequence);
            prop_assert_eq!(read.kinesis.partition_key.as_str(), &*record.partition_key);
            prop_assert_eq!(&read.kinesis.data[..], &record.data[..]);
            prop_assert_eq!(read.kinesis.approximate_arrival_timestamp.timestamp_millis(), *arrival);
            let id = format!("shardId-000000000006:{sequence}");
            prop_assert_eq!(read.event_id.as_deref(), Some(&*id));
            prop_assert_eq!(read.invoke_identity_arn.as_deref(), Some(ROLE));
            prop_assert_eq!(read.aws_region.as_deref(), Some("eu-west-1"));
        }
    }

    #[test]
    fn the_arrival_is_exact_to_the_millisecond(arrival in -62_167_219_200_000i64..253_402_300_800_000) {
        let read = fragment(arrival)["kinesis"]["approximateArrivalTimestamp"].clone();
        prop_assert!(read.is_f64());
        prop_assert_eq!((read.as_f64().unwrap() * 1_000.0).round() as i64, arrival);
    }

    #[test]
    fn hostile_names_of_stream_shard_and_role_stay_strings(
        arn in "(?s).{0,40}", region in "(?s).{0,20}", role in "(?s).{0,40}", shard in "(?s).{0,20}",
    ) {
        let mut out = Vec::new();
        let shard = ShardId::new(shard);
        KinesisEncoder::new(&arn, &region, &role)
            .write(&mut out, &shard, "1", Timestamp(0), &record("k", b""));
        let read: Value = serde_json::from_slice(&out).unwrap();
        prop_assert_eq!(&read["eventSourceARN"], &json!(arn));
        prop_assert_eq!(&read["awsRegion"], &json!(region));
        prop_assert_eq!(&read["invokeIdentityArn"], &json!(role));
        prop_assert_eq!(&read["eventID"], &json!(format!("{shard}:1")));
    }
}
