//! Where a new mapping begins.

use lambda_esm_tests::streams::{KinesisStream, Lab, Stream, Streams, saying};
use lambda_esm_tests::until;
use serde_json::{Value, json};

/// Waits until the second of a time is over: that is how finely a time to begin at is told apart.
async fn until_later_than(millis: i64) {
    until("the second is over", async || {
        let now = jiff::Timestamp::now().as_second();
        (now > millis.div_euclid(1000)).then_some(())
    })
    .await;
}

/// What is put before the mapping begins to read may be missed, and so is put again until it is seen, as the
/// service's own users do.
async fn latest_leaves_out_what_was_there_and_misses_nothing_that_comes(streams: Streams) {
    let stream = streams.stream("latest", 1).await;
    stream.put_numbers(0..3).await;
    let old = stream.read(3).await;
    until_later_than(old[2].arrival_ms).await;
    let lab = Lab::new(streams.engine());
    let members = json!({ "StartingPosition": "LATEST" });
    let row = lab.map(&stream, &members, saying("null")).await;
    let mut probe = 100;
    until("a new record is seen", async || {
        stream.put_numbers([probe]).await;
        probe += 1;
        (row.count() > 0).then_some(())
    })
    .await;
    stream.put_numbers(1_000..1_050).await;
    until("the last record is seen", async || {
        (row.values().last() == Some(&json!(1_049))).then_some(())
    })
    .await;
    lab.engine.shutdown().await;
    let seen = row.values();
    let first = seen[0].as_i64().unwrap();
    assert!(first >= 100, "an old record was seen: {seen:?}");
    let expected: Vec<Value> = (first..probe as i64)
        .chain(1_000..1_050)
        .map(|n| json!(n))
        .collect();
    assert_eq!(seen, expected);
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
