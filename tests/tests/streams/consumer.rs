//! Enhanced fan-out: a consumer of a stream, to which records are pushed over subscriptions that end.

use std::collections::BTreeMap;
use std::time::Duration;

use aws_sdk_kinesis::types::{ShardIteratorType, StartingPosition};
use lambda_esm_tests::streams::{KinesisStream, Lab, Row, Streams, records, saying};
use lambda_esm_tests::until;
use serde_json::{Value, json};
use tokio::time::Instant;

/// How long a subscription lasts here (five minutes at the service), and how long no other may follow it.
const SUBSCRIPTION: Duration = Duration::from_secs(6);
const EXCLUSIVE: Duration = Duration::from_secs(5);

/// Puts numbers, one at a time, until a time has passed; returns how many.
async fn put_for(stream: &KinesisStream, time: Duration) -> usize {
    let end = Instant::now() + time;
    let mut number = 0;
    while Instant::now() < end {
        let value = (format!("key-{}", number % 50), json!(number));
        stream.put(&[value]).await;
        number += 1;
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    number
}

/// Checks that each number came once, and those of each key in their order.
fn check_all(row: &Row, count: usize) {
    let mut keys: BTreeMap<String, Vec<i64>> = BTreeMap::new();
    for call in row.calls() {
        for record in records(&call.event) {
            let number = record.value().as_i64().unwrap();
            keys.entry(record.key().to_owned())
                .or_default()
                .push(number);
        }
    }
    for (key, numbers) in &keys {
        assert!(numbers.is_sorted(), "{key}: {numbers:?}");
    }
    let mut all: Vec<i64> = keys.into_values().flatten().collect();
    all.sort_unstable();
    let expected: Vec<i64> = (0..i64::try_from(count).unwrap()).collect();
    assert_eq!(all, expected);
}

async fn a_consumer_is_given_each_record_once_though_its_subscriptions_end(streams: Streams) {
    let stream = streams.kinesis("fan-out", 2).await;
    let lab = Lab::new(streams.engine());
    let consumer = stream.consumer("app").await;
    let other = stream.consumer("other").await;
    let row = lab.map_arn(&consumer, &json!({}), saying("null")).await;
    let other = lab.map_arn(&other, &json!({}), saying("null")).await;
    let plain = lab.map_arn(&stream.arn, &json!({}), saying("null")).await;
    let count = put_for(&stream, 3 * SUBSCRIPTION).await;
    for row in [&row, &other, &plain] {
        row.until_settled(count).await;
        assert_eq!(row.status().problem, None);
    }
    lab.engine.shutdown().await;
    for row in [&row, &other, &plain] {
        check_all(row, count);
    }
    let first = row.calls()[0].event["Records"][0].clone();
    assert_eq!(first["eventSourceARN"], consumer);
    assert_eq!(first["eventSource"], "aws:kinesis");
}

/// Takes the subscription of a consumer to a shard over, and lets it go.
async fn take_over(stream: &KinesisStream, consumer: &str, shard: &str) {
    let position = StartingPosition::builder().r#type(ShardIteratorType::Latest);
    let position = position.build().unwrap();
    until("the subscription can be taken over", async || {
        let subscribe = stream.client.subscribe_to_shard().consumer_arn(consumer);
        let subscribe = subscribe.shard_id(shard);
        let subscribed = subscribe.starting_position(position.clone()).send().await;
        let mut subscription = subscribed.ok()?.event_stream;
        subscription.recv().await.unwrap();
        Some(())
    })
    .await;
}

async fn a_subscription_that_is_taken_over_is_taken_up_again_and_nothing_is_lost(streams: Streams) {
    let stream = streams.kinesis("taken-over", 1).await;
    let lab = Lab::new(streams.engine());
    let consumer = stream.consumer("app").await;
    let row = lab.map_arn(&consumer, &json!({}), saying("null")).await;
    let shard = stream.shards().await.remove(0).shard_id;
    let putting = put_for(&stream, 3 * EXCLUSIVE);
    let taking = async {
        row.until_calls(1).await;
        take_over(&stream, &consumer, &shard).await;
    };
    let (count, ()) = tokio::join!(putting, taking);
    row.until_settled(count).await;
    lab.engine.shutdown().await;
    check_all(&row, count);
}

async fn a_consumer_that_is_gone_is_shown_as_the_mappings_problem(streams: Streams) {
    let stream = streams.kinesis("deregistered", 1).await;
    let lab = Lab::new(streams.engine());
    let consumer = stream.consumer("app").await;
    let row = lab.map_arn(&consumer, &json!({}), saying("null")).await;
    stream.put(&[("key".to_owned(), json!(1))]).await;
    row.until_settled(1).await;
    let deregister = stream.client.deregister_stream_consumer();
    let deregister = deregister.consumer_arn(&consumer).send().await;
    deregister.unwrap();
    let problem = until("the mapping shows its problem", async || {
        row.status().problem
    })
    .await;
    assert!(problem.contains("app"), "{problem}");
    lab.engine.shutdown().await;
    assert_eq!(row.values(), [json!(1)] as [Value; 1]);
}

on_servers! {
    ministack_kinesis: a_consumer_is_given_each_record_once_though_its_subscriptions_end,
        a_subscription_that_is_taken_over_is_taken_up_again_and_nothing_is_lost,
        a_consumer_that_is_gone_is_shown_as_the_mappings_problem;
}
