//! What on-failure destinations are told of Kafka records, against the documented shapes.

#![expect(clippy::unwrap_used, reason = "tests stop at the first surprise")]

use bytes::Bytes;
use lambda_esm_core::Timestamp;
use lambda_esm_core::event::kafka::KafkaEncoder;
use lambda_esm_core::mapping::{Arn, AwsDestination};
use lambda_esm_core::on_failure_record::{
    Condition, DiscardedKafka, DiscardedPartition, ResponseContext, kafka_key,
};
use lambda_esm_core::record::KafkaRecord;
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::{Value, json};
use uuid::Uuid;

const EVENT: &[u8] = br#"{"eventSource":"aws:kafka","records":{"orders-0":[{"offset":100}]}}"#;
const OBJECT: Uuid = Uuid::from_u128(0x0123_4567_89ab_4def_8123_4567_89ab_cdef);
const FUNCTION: &str = "arn:aws:lambda:us-east-1:123456789012:function:orders";

fn queue() -> AwsDestination {
    AwsDestination::Sqs(Arn::parse("arn:aws:sqs:us-east-1:123456789012:failed").unwrap())
}

fn topic() -> AwsDestination {
    AwsDestination::Sns(Arn::parse("arn:aws:sns:us-east-1:123456789012:failed").unwrap())
}

fn bucket() -> AwsDestination {
    AwsDestination::S3(Arn::parse("arn:aws:s3:::failed").unwrap())
}

fn partition(name: &str, first_offset: i64, last_offset: i64) -> DiscardedPartition {
    DiscardedPartition {
        name: name.to_owned(),
        first_offset,
        last_offset,
        first_timestamp: Timestamp(1_573_691_884_835),
        last_timestamp: Timestamp(1_573_691_885_580),
    }
}

fn discarded(partitions: &[DiscardedPartition]) -> DiscardedKafka<'_> {
    DiscardedKafka {
        request_id: Uuid::from_u128(0xc9b8_fa9f_5a7f_4c3e_8a51_0123_4567_89ab),
        function_arn: FUNCTION,
        condition: Condition::RetryAttemptsExhausted,
        invoke_count: 2,
        response: Some(ResponseContext {
            status_code: 200,
            executed_version: "$LATEST",
            function_error: Some("Unhandled"),
        }),
        timestamp: Timestamp(1_573_691_886_021),
        mapping: Uuid::from_u128(0xfeed_beef_0000_4000_8000_0000_0000_0001),
        batch_size: 500,
        source_arn: Some("arn:aws:kafka:us-east-1:123456789012:cluster/orders/1"),
        bootstrap_servers: "b-1:9092,b-2:9092",
        payload_size: 2_039_086,
        partitions,
    }
}

fn text(bytes: &Bytes) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn document(body: &Bytes) -> Value {
    serde_json::from_slice(body).unwrap()
}

#[test]
fn exhausted_retries_have_the_documented_members_in_the_documented_order() {
    let partitions = [
        partition("orders-0", 100, 399),
        partition("orders-11", 7, 206),
    ];
    let expected = concat!(
        r#"{"requestContext":{"requestId":"c9b8fa9f-5a7f-4c3e-8a51-0123456789ab","#,
        r#""functionArn":"arn:aws:lambda:us-east-1:123456789012:function:orders","#,
        r#""condition":"RetryAttemptsExhausted","approximateInvokeCount":2},"#,
        r#""responseContext":{"statusCode":200,"executedVersion":"$LATEST","#,
        r#""functionError":"Unhandled"},"#,
        r#""version":"1.0","timestamp":"2019-11-14T00:38:06.021Z","#,
        r#""KafkaBatchInfo":{"batchSize":500,"#,
        r#""eventSourceArn":"arn:aws:kafka:us-east-1:123456789012:cluster/orders/1","#,
        r#""bootstrapServers":"b-1:9092,b-2:9092","payloadSize":2039086,"recordsInfo":{"#,
        r#""orders-0":{"firstRecordOffset":"100","lastRecordOffset":"399","#,
        r#""firstRecordTimestamp":"2019-11-14T00:38:04.835Z","#,
        r#""lastRecordTimestamp":"2019-11-14T00:38:05.580Z"},"#,
        r#""orders-11":{"firstRecordOffset":"7","lastRecordOffset":"206","#,
        r#""firstRecordTimestamp":"2019-11-14T00:38:04.835Z","#,
        r#""lastRecordTimestamp":"2019-11-14T00:38:05.580Z"}}}}"#,
    );
    for destination in [queue(), topic()] {
        let record = discarded(&partitions).record(&destination, EVENT, OBJECT);
        assert_eq!(text(&record.body), expected);
        assert_eq!((record.object_key.as_str(), &record.key), ("", &None));
        assert_eq!(record.function_arn, FUNCTION);
        assert_eq!(record.mapping, discarded(&partitions).mapping);
    }
}

#[test]
fn a_bucket_gets_the_event_as_a_string_under_a_key_of_mapping_partition_and_time() {
    let partitions = [partition("orders-3", 1, 2), partition("orders-0", 1, 2)];
    let record = discarded(&partitions).record(&bucket(), EVENT, OBJECT);
    assert_eq!(
        record.object_key,
        "aws/lambda/feedbeef-0000-4000-8000-000000000001/orders-3/2019/11/14/\
         2019-11-14T00.38.06-01234567-89ab-4def-8123-456789abcdef"
    );
    let without = text(&discarded(&partitions).record(&queue(), EVENT, OBJECT).body);
    let payload = serde_json::to_string(std::str::from_utf8(EVENT).unwrap()).unwrap();
    let open = without.strip_suffix('}').unwrap();
    assert_eq!(
        text(&record.body),
        format!("{open},\"payload\":{payload}}}")
    );
}

#[test]
fn records_that_no_function_answered_for_have_a_null_response() {
    let partitions = [partition("orders-0", 1, 1)];
    for (condition, name) in [
        (
            Condition::MaximumPayloadSizeExceeded,
            "MaximumPayloadSizeExceeded",
        ),
        (Condition::RecordAgeExceeded, "RecordAgeExceeded"),
        (Condition::SchemaNotFound, "SCHEMA_NOT_FOUND"),
        (Condition::DeserializationError, "DESERIALIZATION_ERROR"),
    ] {
        let discarded = DiscardedKafka {
            condition,
            response: None,
            ..discarded(&partitions)
        };
        for body in [
            discarded.record(&queue(), EVENT, OBJECT).body,
            discarded.topic_record(EVENT, None).body,
        ] {
            let document = document(&body);
            assert_eq!(document["requestContext"]["condition"], name);
            assert_eq!(document.get("responseContext"), Some(&Value::Null));
        }
    }
}

#[test]
fn a_self_managed_cluster_has_no_arn() {
    let partitions = [partition("orders-0", 1, 1)];
    let discarded = DiscardedKafka {
        source_arn: None,
        ..discarded(&partitions)
    };
    for body in [
        discarded.record(&queue(), EVENT, OBJECT).body,
        discarded.topic_record(EVENT, None).body,
    ] {
        let info = &document(&body)["KafkaBatchInfo"];
        assert_eq!(info.get("eventSourceArn"), None);
        assert_eq!(info["bootstrapServers"], "b-1:9092,b-2:9092");
    }
}

#[test]
fn a_topic_of_the_cluster_gets_one_record_and_its_event_under_its_key() {
    let partitions = [partition("orders-0", 100, 100)];
    let discarded = DiscardedKafka {
        batch_size: 1,
        payload_size: EVENT.len(),
        ..discarded(&partitions)
    };
    let record = discarded.topic_record(EVENT, Some(Bytes::from_static(b"key\xff")));
    let expected = concat!(
        r#"{"requestContext":{"requestId":"c9b8fa9f-5a7f-4c3e-8a51-0123456789ab","#,
        r#""functionArn":"arn:aws:lambda:us-east-1:123456789012:function:orders:$LATEST","#,
        r#""condition":"RetriesExhausted","approximateInvokeCount":2},"#,
        r#""responseContext":{"statusCode":200,"executedVersion":"$LATEST","#,
        r#""functionError":"Unhandled"},"#,
        r#""version":"1.0","timestamp":"2019-11-14T00:38:06.021Z","#,
        r#""KafkaBatchInfo":{"batchSize":1,"#,
        r#""eventSourceArn":"arn:aws:kafka:us-east-1:123456789012:cluster/orders/1","#,
        r#""bootstrapServers":"b-1:9092,b-2:9092","payloadSize":67,"#,
        r#""recordInfo":{"offset":"100","timestamp":"2019-11-14T00:38:04.835Z"}},"#,
        r#""payload":{"eventSource":"aws:kafka","records":{"orders-0":[{"offset":100}]}}}"#,
    );
    assert_eq!(text(&record.body), expected);
    assert_eq!(record.key.as_deref(), Some(b"key\xff".as_slice()));
    assert_eq!(record.function_arn, FUNCTION);
}

#[test]
fn a_qualified_function_keeps_its_qualifier_for_a_topic_of_the_cluster() {
    let partitions = [partition("orders-0", 100, 100)];
    let qualified = format!("{FUNCTION}:live");
    let discarded = DiscardedKafka {
        function_arn: &qualified,
        ..discarded(&partitions)
    };
    let document = document(&discarded.topic_record(EVENT, None).body);
    assert_eq!(document["requestContext"]["functionArn"], json!(qualified));
}

#[test]
fn what_is_no_fragment_has_no_key() {
    for fragment in [
        &b""[..],
        b"{",
        b"null",
        br#"{"headers":[{"key":[1]}]}"#,
        br#"{"key":null}"#,
        br#"{"key":7}"#,
        br#"{"key":"?"}"#,
    ] {
        assert_eq!(kafka_key(fragment), None, "{fragment:?}");
    }
}

proptest! {
    #[test]
    fn the_key_of_a_record_is_read_from_its_fragment(
        key in proptest::option::of(vec(any::<u8>(), 0..40)), value in vec(any::<u8>(), 0..40),
        header in "(?s).{0,9}", topic in "(?s).{0,9}",
    ) {
        let key = key.map(Bytes::from);
        let record = KafkaRecord::new(1, Timestamp(1), Some(value.into()))
            .with_key(key.clone())
            .with_headers(vec![("key".into(), None), (header.into(), None)]);
        let mut fragment = Vec::new();
        KafkaEncoder::self_managed("b:9092", &topic).write(&mut fragment, 0, &record);
        prop_assert_eq!(kafka_key(&fragment), key);
    }

    #[test]
    fn hostile_names_and_events_stay_strings(
        function in "(?s).{0,40}", version in "(?s).{0,9}", name in "(?s).{0,20}", arn in "(?s).{0,40}",
        brokers in "(?s).{0,40}", event in "(?s).{0,80}", first in any::<i64>(), last in any::<i64>(),
    ) {
        let partitions = [partition(&name, first, last)];
        let discarded = DiscardedKafka {
            function_arn: &function,
            response: Some(ResponseContext {
                status_code: 200,
                executed_version: &version,
                function_error: None,
            }),
            source_arn: Some(&arn),
            bootstrap_servers: &brokers,
            ..discarded(&partitions)
        };
        let read = document(&discarded.record(&bucket(), event.as_bytes(), OBJECT).body);
        prop_assert_eq!(&read["requestContext"]["functionArn"], &json!(function));
        let response = json!({"statusCode": 200, "executedVersion": version, "functionError": null});
        prop_assert_eq!(&read["responseContext"], &response);
        let info = &read["KafkaBatchInfo"];
        prop_assert_eq!(&info["eventSourceArn"], &json!(arn));
        prop_assert_eq!(&info["bootstrapServers"], &json!(brokers));
        let of_it = &info["recordsInfo"][name.as_str()];
        prop_assert_eq!(&of_it["firstRecordOffset"], &json!(first.to_string()));
        prop_assert_eq!(&of_it["lastRecordOffset"], &json!(last.to_string()));
        prop_assert_eq!(&read["payload"], &json!(event));
    }
}
