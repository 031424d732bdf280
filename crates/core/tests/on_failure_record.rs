//! What on-failure destinations are told, against the recorded shapes.

#![expect(clippy::unwrap_used, reason = "tests stop at the first surprise")]

use lambda_esm_core::Timestamp;
use lambda_esm_core::mapping::{Arn, AwsDestination};
use lambda_esm_core::on_failure_record::{Condition, Discarded, ResponseContext, StreamKind};
use lambda_esm_core::stream::ShardId;
use proptest::prelude::*;
use serde_json::{Value, json};
use uuid::Uuid;

const EVENT: &[u8] = br#"{"Records":[{"kinesis":{"data":"aGVsbG8=","partitionKey":"\"\\"}}]}"#;
const OBJECT: Uuid = Uuid::from_u128(0x0123_4567_89ab_4def_8123_4567_89ab_cdef);

fn destination(text: &str) -> AwsDestination {
    let arn = Arn::parse(text).unwrap();
    match arn.service() {
        "sqs" => AwsDestination::Sqs(arn),
        "sns" => AwsDestination::Sns(arn),
        _ => AwsDestination::S3(arn),
    }
}

fn queue() -> AwsDestination {
    destination("arn:aws:sqs:us-east-1:123456789012:failed")
}

fn bucket() -> AwsDestination {
    destination("arn:aws:s3:::failed")
}

fn discarded(shard: &ShardId) -> Discarded<'_> {
    Discarded {
        request_id: Uuid::from_u128(0xc9b8_fa9f_5a7f_4c3e_8a51_0123_4567_89ab),
        function_arn: "arn:aws:lambda:us-east-1:123456789012:function:orders",
        condition: Condition::RetryAttemptsExhausted,
        invoke_count: 2,
        response: Some(ResponseContext {
            status_code: 200,
            executed_version: "$LATEST",
            function_error: Some("Unhandled"),
        }),
        timestamp: Timestamp(1_573_691_886_021),
        kind: StreamKind::Kinesis,
        shard,
        start_sequence: "49601189658422359378836298521827638475320189012309704722",
        end_sequence: "49601189658422359378836298522902373528957594348623495186",
        first_arrival: Timestamp(1_573_691_884_835),
        last_arrival: Timestamp(1_573_691_885_580),
        batch_size: 500,
        stream_arn: "arn:aws:kinesis:us-east-1:123456789012:stream/mystream",
        mapping: Uuid::from_u128(0xfeed_beef_0000_4000_8000_0000_0000_0001),
    }
}

fn shard() -> ShardId {
    ShardId::new("shardId-000000000001")
}

fn document(discarded: &Discarded<'_>, destination: &AwsDestination) -> Value {
    serde_json::from_slice(&discarded.record(destination, EVENT, OBJECT).body).unwrap()
}

#[test]
fn exhausted_retries_have_the_recorded_members_in_the_recorded_order() {
    let shard = shard();
    let record = discarded(&shard).record(&queue(), EVENT, OBJECT);
    let expected = concat!(
        r#"{"requestContext":{"requestId":"c9b8fa9f-5a7f-4c3e-8a51-0123456789ab","#,
        r#""functionArn":"arn:aws:lambda:us-east-1:123456789012:function:orders","#,
        r#""condition":"RetryAttemptsExhausted","approximateInvokeCount":2},"#,
        r#""responseContext":{"statusCode":200,"executedVersion":"$LATEST","#,
        r#""functionError":"Unhandled"},"#,
        r#""version":"1.0","timestamp":"2019-11-14T00:38:06.021Z","#,
        r#""KinesisBatchInfo":{"shardId":"shardId-000000000001","#,
        r#""startSequenceNumber":"49601189658422359378836298521827638475320189012309704722","#,
        r#""endSequenceNumber":"49601189658422359378836298522902373528957594348623495186","#,
        r#""approximateArrivalOfFirstRecord":"2019-11-14T00:38:04.835Z","#,
        r#""approximateArrivalOfLastRecord":"2019-11-14T00:38:05.580Z","batchSize":500,"#,
        r#""streamArn":"arn:aws:kinesis:us-east-1:123456789012:stream/mystream"}}"#,
    );
    assert_eq!(String::from_utf8(record.body.to_vec()).unwrap(), expected);
    assert_eq!(record.object_key, "");
}

#[test]
fn an_error_is_null_where_the_function_answered_and_reported_failures() {
    let shard = shard();
    let mut discarded = discarded(&shard);
    if let Some(response) = &mut discarded.response {
        response.function_error = None;
    }
    let response = &document(&discarded, &queue())["responseContext"];
    let expected = json!({"statusCode": 200, "executedVersion": "$LATEST", "functionError": null});
    assert_eq!(response, &expected);
}

#[test]
fn without_a_response_there_is_no_response_context() {
    let shard = shard();
    for condition in [
        Condition::RecordAgeExceeded,
        Condition::MaximumPayloadSizeExceeded,
        Condition::RecordUnreadable,
    ] {
        let discarded = Discarded {
            condition,
            response: None,
            ..discarded(&shard)
        };
        let document = document(&discarded, &queue());
        assert_eq!(document.get("responseContext"), None);
        assert_eq!(document["requestContext"]["condition"], condition.as_str());
        assert_eq!(document["requestContext"]["condition"], json!(condition));
        assert!(document["requestContext"]["requestId"].is_string());
    }
}

#[test]
fn a_dynamodb_batch_has_its_own_name_and_arrivals_in_whole_seconds() {
    let shard = shard();
    let discarded = Discarded {
        kind: StreamKind::DynamoDb,
        stream_arn: "arn:aws:dynamodb:us-east-1:123456789012:table/t/stream/2019-11-14T00:13:49.717",
        ..discarded(&shard)
    };
    let document = document(&discarded, &queue());
    assert_eq!(document.get("KinesisBatchInfo"), None);
    assert_eq!(document["timestamp"], "2019-11-14T00:38:06.021Z");
    assert_eq!(
        document["DDBStreamBatchInfo"],
        json!({
            "shardId": "shardId-000000000001", "startSequenceNumber": discarded.start_sequence,
            "endSequenceNumber": discarded.end_sequence,
            "approximateArrivalOfFirstRecord": "2019-11-14T00:38:04Z",
            "approximateArrivalOfLastRecord": "2019-11-14T00:38:05Z", "batchSize": 500,
            "streamArn": discarded.stream_arn,
        })
    );
}

#[test]
fn a_bucket_gets_the_event_as_a_string_under_a_key_of_mapping_shard_and_time() {
    let shard = shard();
    let record = discarded(&shard).record(&bucket(), EVENT, OBJECT);
    assert_eq!(
        record.object_key,
        "aws/lambda/feedbeef-0000-4000-8000-000000000001/shardId-000000000001/2019/11/14/\
         2019-11-14T00.38.06-01234567-89ab-4def-8123-456789abcdef"
    );
    let text = String::from_utf8(record.body.to_vec()).unwrap();
    assert!(
        text.contains(r#"stream/mystream"},"payload":"{\"Records\":[{\"kinesis\""#),
        "{text}"
    );
    let mut document = document(&discarded(&shard), &bucket());
    let payload = document.as_object_mut().unwrap().remove("payload").unwrap();
    assert_eq!(payload.as_str().unwrap().as_bytes(), EVENT);
    assert_eq!(document, self::document(&discarded(&shard), &queue()));
}

#[test]
fn queues_and_topics_get_no_event() {
    let shard = shard();
    let topic = destination("arn:aws:sns:us-east-1:123456789012:failed");
    for destination in [queue(), topic] {
        assert_eq!(
            document(&discarded(&shard), &destination).get("payload"),
            None
        );
        assert_eq!(
            discarded(&shard)
                .record(&destination, EVENT, OBJECT)
                .object_key,
            ""
        );
    }
}

proptest! {
    #[test]
    fn hostile_names_and_events_stay_strings(
        function in "(?s).{0,40}", version in "(?s).{0,9}", error in proptest::option::of("(?s).{0,9}"),
        name in "(?s).{0,20}", start in "(?s).{0,20}", end in "(?s).{0,20}", arn in "(?s).{0,40}",
        event in "(?s).{0,80}", count in any::<u32>(), size in any::<u32>(), status in any::<u16>(),
    ) {
        let shard = ShardId::new(name.clone());
        let discarded = Discarded {
            function_arn: &function,
            invoke_count: count,
            response: Some(ResponseContext {
                status_code: status,
                executed_version: &version,
                function_error: error.as_deref(),
            }),
            start_sequence: &start,
            end_sequence: &end,
            batch_size: size as usize,
            stream_arn: &arn,
            ..discarded(&shard)
        };
        let record = discarded.record(&bucket(), event.as_bytes(), OBJECT);
        let read: Value = serde_json::from_slice(&record.body).unwrap();
        prop_assert_eq!(&read["requestContext"]["functionArn"], &json!(function));
        prop_assert_eq!(&read["requestContext"]["approximateInvokeCount"], &json!(count));
        let response = json!({"statusCode": status, "executedVersion": version, "functionError": error});
        prop_assert_eq!(&read["responseContext"], &response);
        let info = &read["KinesisBatchInfo"];
        prop_assert_eq!(&info["shardId"], &json!(name));
        prop_assert_eq!(&info["startSequenceNumber"], &json!(start));
        prop_assert_eq!(&info["endSequenceNumber"], &json!(end));
        prop_assert_eq!(&info["batchSize"], &json!(size));
        prop_assert_eq!(&info["streamArn"], &json!(arn));
        prop_assert_eq!(&read["payload"], &json!(event));
    }
}
