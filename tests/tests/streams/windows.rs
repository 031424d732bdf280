//! Tumbling windows over records as they come, also while shards are split and merged.

use std::collections::BTreeMap;
use std::time::Duration;

use lambda_esm_tests::streams::{
    Call, KinesisStream, Lab, Row, Script, Streams, answering, iso, records, values,
};
use lambda_esm_tests::until;
use serde_json::{Value, json};

const SECONDS: i64 = 2;
/// The longest that Lambda allows.
const LONG: i64 = 900;

/// A function that counts and adds up in the window's state.
fn adding_up() -> Script {
    answering(|event| {
        let values = values(event);
        let before = |name: &str| event["state"][name].as_i64().unwrap_or_default();
        let sum: i64 = values.iter().filter_map(Value::as_i64).sum();
        let state = json!({
            "count": before("count") + i64::try_from(values.len()).unwrap(),
            "sum": before("sum") + sum,
        });
        Ok(json!({ "state": state }).to_string().into())
    })
}

fn is_final(call: &Call) -> bool {
    call.event["isFinalInvokeForWindow"] == json!(true)
}

/// Returns the states that were handed to the final invocations.
fn totals(row: &Row) -> Vec<Value> {
    let calls = row.calls();
    let finals = calls.iter().filter(|call| is_final(call));
    finals.map(|call| call.event["state"].clone()).collect()
}

fn counted(states: &[Value]) -> i64 {
    states
        .iter()
        .map(|state| state["count"].as_i64().unwrap())
        .sum()
}

async fn windows_follow_the_clock_and_each_ends_with_its_own_sum(streams: Streams) {
    const RECORDS: usize = 50;
    let stream = streams.stream("window", 1).await;
    let lab = Lab::new(streams.engine());
    let members = json!({ "TumblingWindowInSeconds": SECONDS });
    let row = lab.map(&stream, &members, adding_up()).await;
    for number in 0..RECORDS {
        stream.put_numbers([number]).await;
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    until("all windows have ended", async || {
        (counted(&totals(&row)) >= i64::try_from(RECORDS).unwrap()).then_some(())
    })
    .await;
    lab.engine.shutdown().await;
    let mut windows: BTreeMap<String, Vec<Call>> = BTreeMap::new();
    for call in row.calls() {
        let start = call.event["window"]["start"].as_str().unwrap().to_owned();
        windows.entry(start).or_default().push(call);
    }
    assert!(windows.len() >= 2, "{:?}", windows.keys());
    let known = stream.read(RECORDS).await;
    for calls in windows.values() {
        check_window(calls, &known[0].shard, stream.arn());
    }
    let sums: i64 = totals(&row)
        .iter()
        .map(|total| total["sum"].as_i64().unwrap())
        .sum();
    assert_eq!(sums, (0..50).sum::<i64>());
    assert_eq!(counted(&totals(&row)), 50);
}

/// Checks the invocations of one window: each is handed what the one before returned.
fn check_window(calls: &[Call], shard: &str, arn: &str) {
    let mut state = json!({});
    let (last, rest) = calls.split_last().unwrap();
    for call in rest {
        let start = {
            let arrivals = records(&call.event).map(|record| record.arrival());
            let starts: Vec<i64> = arrivals
                .map(|arrival| (arrival as i64).div_euclid(SECONDS) * SECONDS)
                .collect();
            assert!(starts.iter().all(|start| *start == starts[0]), "{starts:?}");
            starts[0] * 1000
        };
        let window =
            json!({ "start": iso(start, false), "end": iso(start + SECONDS * 1000, false) });
        assert_eq!(call.event["window"], window);
        assert_eq!(call.event["state"], state);
        assert_eq!(call.event["isFinalInvokeForWindow"], json!(false));
        let before = |name: &str| state[name].as_i64().unwrap_or_default();
        let values = values(&call.event);
        let sum: i64 = values.iter().filter_map(Value::as_i64).sum();
        state = json!({
            "count": before("count") + i64::try_from(values.len()).unwrap(),
            "sum": before("sum") + sum,
        });
    }
    assert!(is_final(last), "{}", last.event);
    assert_eq!(last.event["Records"], json!([]));
    assert_eq!(last.event["state"], state);
    for call in calls {
        assert_eq!(call.event["shardId"], shard);
        assert_eq!(call.event["eventSourceARN"], arn);
        assert_eq!(call.event["isWindowTerminatedEarly"], json!(false));
    }
}

async fn put(stream: &KinesisStream, numbers: std::ops::Range<usize>) {
    let value = |number: usize| (format!("key-{number}"), json!(number));
    stream.put(&numbers.map(value).collect::<Vec<_>>()).await;
}

/// Returns the shards whose windows were ended early, with their states.
fn ended_early(row: &Row) -> BTreeMap<String, Value> {
    let calls = row.calls();
    let finals = calls.iter().filter(|call| is_final(call));
    let ended = finals.map(|call| {
        assert_eq!(call.event["isWindowTerminatedEarly"], json!(true));
        assert_eq!(call.event["Records"], json!([]));
        let shard = call.event["shardId"].as_str().unwrap().to_owned();
        (shard, call.event["state"].clone())
    });
    ended.collect()
}

async fn a_window_that_is_open_when_its_shard_is_split_or_merged_ends_early(streams: Streams) {
    // Nothing of this test may lie in two windows.
    until("a window has begun", async || {
        let left = LONG - jiff::Timestamp::now().as_second().rem_euclid(LONG);
        (left > 120).then_some(())
    })
    .await;
    let stream = streams.kinesis("reshard-window", 1).await;
    let lab = Lab::new(streams.engine());
    let members = json!({ "TumblingWindowInSeconds": LONG });
    let row = lab.map_arn(&stream.arn, &members, adding_up()).await;
    put(&stream, 0..20).await;
    row.until_settled(20).await;
    assert_eq!(totals(&row), Vec::<Value>::new());

    let parent = stream.open_shards().await.remove(0);
    stream.split(&parent).await;
    put(&stream, 20..60).await;
    row.until_settled(60).await;
    let ended = ended_early(&row);
    assert_eq!(ended.len(), 1, "{ended:?}");
    let sum: usize = (0..20).sum();
    let expected = json!({ "count": 20, "sum": sum });
    assert_eq!(ended[&parent.shard_id], expected);

    let halves = stream.open_shards().await;
    assert_eq!(halves.len(), 2);
    stream.merge(&halves[0], &halves[1]).await;
    put(&stream, 60..70).await;
    row.until_settled(70).await;
    lab.engine.shutdown().await;
    let ended = ended_early(&row);
    assert_eq!(ended.len(), 3, "{ended:?}");
    let ended: Vec<Value> = ended.into_values().collect();
    assert_eq!(counted(&ended), 60);
    // That of the last shard stays open: its state is kept, and goes on after a restart.
    let last = row.calls().pop().unwrap();
    assert!(!is_final(&last));
    let of_last: Vec<i64> = row
        .calls()
        .iter()
        .filter(|call| call.event["shardId"] == last.event["shardId"])
        .flat_map(|call| values(&call.event))
        .filter_map(|value| value.as_i64())
        .collect();
    assert_eq!(of_last.len(), 10);
}

on_servers! {
    kinesis_local: windows_follow_the_clock_and_each_ends_with_its_own_sum,
        a_window_that_is_open_when_its_shard_is_split_or_merged_ends_early;
    ministack_kinesis: windows_follow_the_clock_and_each_ends_with_its_own_sum;
    ministack_dynamodb: windows_follow_the_clock_and_each_ends_with_its_own_sum;
}
