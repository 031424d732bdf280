//! Events of a tumbling window, against an independent reader and the documented shape.

use aws_lambda_events::dynamodb::TimeWindowEvent;
use aws_lambda_events::kinesis::KinesisTimeWindowEvent;
use lambda_esm_core::Timestamp;
use lambda_esm_core::event::RECORDS;
use lambda_esm_core::event::dynamodb::DynamoDbEncoder;
use lambda_esm_core::event::kinesis::KinesisEncoder;
use lambda_esm_core::event::window::{WindowTail, empty_state};
use lambda_esm_core::record::{DynamoDbRecord, KinesisRecord};
use lambda_esm_core::response::read_window_state;
use lambda_esm_core::stream::ShardId;
use proptest::prelude::*;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use std::collections::HashMap;

const ARN: &str = "arn:aws:kinesis:us-east-1:123456789012:stream/orders";

fn tail<'a>(state: &'a RawValue, shard: &'a ShardId) -> WindowTail<'a> {
    WindowTail {
        start: Timestamp(1_607_497_440_000),
        end: Timestamp(1_607_497_560_000),
        state,
        shard,
        event_source_arn: ARN,
        is_final_invoke: false,
        is_terminated_early: false,
    }
}

/// Returns an event of these fragments.
fn event(fragments: &[Vec<u8>], tail: &WindowTail<'_>) -> Vec<u8> {
    let mut out = RECORDS.prefix.to_vec();
    out.extend_from_slice(&fragments.join(&b','));
    tail.write(&mut out);
    out
}

fn kinesis(sequence: &str) -> Vec<u8> {
    let mut out = Vec::new();
    let record = KinesisRecord::new("1", "x");
    let shard = ShardId::new("shardId-000000000006");
    KinesisEncoder::new(ARN, "us-east-1", "arn:aws:iam::123456789012:role/r").write(
        &mut out,
        &shard,
        sequence,
        Timestamp(1_607_497_483_000),
        &record,
    );
    out
}

#[test]
fn the_members_of_a_window_follow_the_records_in_the_documented_order() {
    let state = RawValue::from_string(r#"{"1":282,"2":715}"#.to_owned()).unwrap();
    let shard = ShardId::new("shardId-000000000006");
    let expected = concat!(
        r#"{"Records":[],"#,
        r#""window":{"start":"2020-12-09T07:04:00Z","end":"2020-12-09T07:06:00Z"},"#,
        r#""state":{"1":282,"2":715},"shardId":"shardId-000000000006","#,
        r#""eventSourceARN":"arn:aws:kinesis:us-east-1:123456789012:stream/orders","#,
        r#""isFinalInvokeForWindow":false,"isWindowTerminatedEarly":false}"#,
    );
    assert_eq!(
        String::from_utf8(event(&[], &tail(&state, &shard))).unwrap(),
        expected
    );
}

#[test]
fn a_window_begins_with_an_empty_state() {
    assert_eq!(empty_state().get(), "{}");
}

#[test]
fn a_kinesis_window_is_read_by_an_independent_reader() {
    let state = RawValue::from_string(r#"{"sum":"12"}"#.to_owned()).unwrap();
    let shard = ShardId::new("shardId-000000000006");
    let last = WindowTail {
        is_final_invoke: true,
        is_terminated_early: true,
        ..tail(&state, &shard)
    };
    let event: KinesisTimeWindowEvent =
        serde_json::from_slice(&event(&[kinesis("1"), kinesis("2")], &last)).unwrap();
    assert_eq!(event.kinesis_event.records.len(), 2);
    assert_eq!(event.kinesis_event.records[1].kinesis.sequence_number, "2");
    let window = event.time_window_properties;
    assert_eq!(
        window.window.start.to_rfc3339(),
        "2020-12-09T07:04:00+00:00"
    );
    assert_eq!(window.window.end.to_rfc3339(), "2020-12-09T07:06:00+00:00");
    assert_eq!(window.state["sum"], "12");
    assert_eq!(window.shard_id.as_deref(), Some("shardId-000000000006"));
    assert_eq!(window.event_source_arn.as_deref(), Some(ARN));
    assert!(window.is_final_invoke_for_window && window.is_window_terminated_early);
}

#[test]
fn the_two_flags_are_told_apart() {
    let (state, shard) = (empty_state(), ShardId::new("s"));
    for (is_final_invoke, is_terminated_early) in [(true, false), (false, true)] {
        let tail = WindowTail {
            is_final_invoke,
            is_terminated_early,
            ..tail(&state, &shard)
        };
        let value: Value = serde_json::from_slice(&event(&[], &tail)).unwrap();
        assert_eq!(value["isFinalInvokeForWindow"], is_final_invoke);
        assert_eq!(value["isWindowTerminatedEarly"], is_terminated_early);
    }
}

#[test]
fn a_dynamodb_window_is_read_by_an_independent_reader() {
    let keys = json!({"Id": {"N": "101"}}).to_string();
    let record = DynamoDbRecord::new("1", "REMOVE", keys).with_size_bytes(5);
    let encoder = DynamoDbEncoder::new("arn:aws:dynamodb:x", "us-east-1");
    let (mut change, mut fragment) = (Vec::new(), Vec::new());
    encoder.write_change(&mut change, "7", Timestamp(1_607_497_483_000), &record);
    encoder.write(&mut fragment, &record, &change);
    let (state, shard) = (empty_state(), ShardId::new("shardId-00000001"));
    let event: TimeWindowEvent =
        serde_json::from_slice(&event(&[fragment], &tail(&state, &shard))).unwrap();
    let change = &event.dynamo_db_event.records[0].change;
    assert_eq!(change.sequence_number.as_deref(), Some("7"));
    assert_eq!(
        change.approximate_creation_date_time.timestamp(),
        1_607_497_483
    );
    assert_eq!(event.time_window_properties.state, HashMap::new());
    assert!(!event.time_window_properties.is_final_invoke_for_window);
}

proptest! {
    #[test]
    fn the_state_comes_back_as_the_function_left_it(
        names in prop::collection::hash_map("(?s).{0,9}", "(?s).{0,20}", 0..5), pad in "[ \n\t]{0,4}",
        arn in "(?s).{0,40}", shard in "(?s).{0,20}", minutes in 0i64..4_000_000_000 / 60,
    ) {
        let text = json!(names).to_string().replace("\":\"", &format!("\"{pad}:{pad}\""));
        prop_assume!(serde_json::from_str::<Value>(&text).is_ok_and(|read| read == json!(names)));
        let response = format!("{{{pad}\"state\":{pad}{text}{pad}}}");
        let state = read_window_state(response.as_bytes()).unwrap();
        prop_assert_eq!(state.get(), &text);

        let shard = ShardId::new(shard);
        let tail = WindowTail {
            start: Timestamp(minutes * 60_000),
            end: Timestamp((minutes + 1) * 60_000),
            event_source_arn: &arn,
            ..tail(&state, &shard)
        };
        let bytes = event(&[kinesis("1")], &tail);
        prop_assert!(bytes.windows(text.len()).any(|window| window == text.as_bytes()));
        let event: KinesisTimeWindowEvent = serde_json::from_slice(&bytes).unwrap();
        let read = event.time_window_properties;
        prop_assert_eq!(read.state, names);
        prop_assert_eq!(read.window.start.timestamp(), minutes * 60);
        prop_assert_eq!(read.window.end.timestamp(), (minutes + 1) * 60);
        prop_assert_eq!(read.shard_id.as_deref(), Some(shard.as_str()));
        prop_assert_eq!(read.event_source_arn, Some(arn));
    }
}
