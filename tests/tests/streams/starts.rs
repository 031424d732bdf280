//! Where a new mapping begins.

use std::time::Duration;

use lambda_esm_tests::streams::{KinesisStream, Lab, Stream, Streams, saying};
use lambda_esm_tests::{until, until_within};
use serde_json::{Value, json};

/// How long what has been put may take. Lots of time: an idle shard is read every 200 ms.
const BOUND: Duration = Duration::from_secs(30);

/// Waits until the second of a time is over: that is how finely a time to begin at is told apart.
async fn until_later_than(millis: i64) {
    until("the second is over", async || {
        let now = jiff::Timestamp::now().as_second();
        (now > millis.div_euclid(1000)).then_some(())
    })
    .await;
}

/// What is put once the mapping is shown as enabled comes, though it was put once; what was there before does not.
async fn latest_leaves_out_what_was_there_and_misses_nothing_that_comes(streams: Streams) {
    let stream = streams.stream("latest", 1).await;
    stream.put_numbers(0..3).await;
    let old = stream.read(3).await;
    until_later_than(old[2].arrival_ms).await;
    let lab = Lab::new(streams.engine());
    let members = json!({ "StartingPosition": "LATEST" });
    let row = lab.map(&stream, &members, saying("null")).await;
    row.until_enabled().await;
    stream.put_numbers(100..150).await;
    // A shard is read in its order: old records, or one that comes twice, would stand before the last.
    until_within(BOUND, "the last record is seen", async || {
        (row.values().last() == Some(&json!(149))).then_some(())
    })
    .await;
    lab.engine.shutdown().await;
    let expected: Vec<Value> = (100..150).map(|number| json!(number)).collect();
    assert_eq!(row.values(), expected, "{}", streams.what);
}

async fn at_timestamp_begins_with_the_first_record_of_that_second(streams: Streams) {
    let Stream::Kinesis(stream) = streams.stream("since", 2).await else {
        panic!("a Kinesis stream")
    };
    let put = async |stream: &KinesisStream, numbers: std::ops::Range<usize>| {
        let value = |number: usize| (format!("key-{number}"), json!(number));
        stream.put(&numbers.map(value).collect::<Vec<_>>()).await;
    };
    put(&stream, 0..20).await;
    let stream = Stream::Kinesis(stream);
    let first = stream.read(20).await;
    let last = first.iter().map(|known| known.arrival_ms).max().unwrap();
    until_later_than(last).await;
    stream.put_numbers(20..40).await;
    let all = stream.read(40).await;
    let later = all.iter().map(|known| known.arrival_ms);
    let since = later.filter(|arrival| *arrival > last).min().unwrap() / 1000;
    let before = first.iter().map(|known| known.arrival_ms).min().unwrap() / 1000;
    let lab = Lab::new(streams.engine());
    let members = |second: i64| json!({ "StartingPosition": "AT_TIMESTAMP", "StartingPositionTimestamp": second });
    let from_second = lab.map(&stream, &members(since), saying("null")).await;
    let from_first = lab.map(&stream, &members(before), saying("null")).await;
    from_second.until_records(20).await;
    from_first.until_records(40).await;
    lab.engine.shutdown().await;
    let sorted = |row: &lambda_esm_tests::streams::Row| {
        let mut values: Vec<i64> = row.values().iter().filter_map(Value::as_i64).collect();
        values.sort_unstable();
        values
    };
    assert_eq!(sorted(&from_second), (20..40).collect::<Vec<_>>());
    assert_eq!(sorted(&from_first), (0..40).collect::<Vec<_>>());
}

on_servers! {
    kinesis_local: latest_leaves_out_what_was_there_and_misses_nothing_that_comes, at_timestamp_begins_with_the_first_record_of_that_second;
    ministack_kinesis: latest_leaves_out_what_was_there_and_misses_nothing_that_comes, at_timestamp_begins_with_the_first_record_of_that_second;
    dynamodb_local: latest_leaves_out_what_was_there_and_misses_nothing_that_comes;
    ministack_dynamodb: latest_leaves_out_what_was_there_and_misses_nothing_that_comes;
}
