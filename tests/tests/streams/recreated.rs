//! Streams that go, and come again.

use lambda_esm::decision::Decision;
use lambda_esm_tests::streams::{KinesisStream, Lab, Row, Streams, saying};
use lambda_esm_tests::until;
use serde_json::{Value, json};

fn numbers(numbers: std::ops::Range<usize>) -> Vec<Value> {
    numbers.map(|number| json!(number)).collect()
}

async fn put(stream: &KinesisStream, numbers: std::ops::Range<usize>) {
    // All of one key: the stream has one order.
    let value = |number: usize| ("key".to_owned(), json!(number));
    stream.put(&numbers.map(value).collect::<Vec<_>>()).await;
}

/// Waits until the mapping shows, or no longer shows, that something is wrong, and returns what.
async fn until_problem(row: &Row, wrong: bool) -> Option<String> {
    until("the mapping shows its problem", async || {
        let problem = row.status().problem;
        (problem.is_some() == wrong).then_some(problem)
    })
    .await
}

/// Waits until a second is over: what tells two streams of one name apart is the time of their creation.
async fn until_later(second: i64) {
    until("the second is over", async || {
        (jiff::Timestamp::now().as_second() > second).then_some(())
    })
    .await;
}

async fn a_stream_made_anew_is_read_from_its_oldest_record(streams: Streams) {
    let stream = streams.kinesis("anew", 2).await;
    let created = stream.created().await;
    let lab = Lab::new(streams.engine());
    let row = lab.map_arn(&stream.arn, &json!({}), saying("null")).await;
    put(&stream, 0..5).await;
    row.until_settled(5).await;
    stream.delete().await;
    let problem = until_problem(&row, true).await.unwrap();
    assert!(problem.contains(&stream.name), "{problem}");
    until_later(created).await;
    stream.create_again(1).await;
    put(&stream, 5..10).await;
    row.until_records(10).await;
    let anew = |decision: &Decision| matches!(decision, Decision::StreamRecreated { .. });
    assert!(row.decisions().iter().any(anew), "{:?}", row.decisions());
    until_problem(&row, false).await;
    put(&stream, 10..12).await;
    row.until_records(12).await;
    lab.engine.shutdown().await;
    assert_eq!(row.values(), numbers(0..12));
}

/// Shards of the new stream are called as those of the old one were.
async fn a_shard_read_to_its_end_is_read_again_when_its_stream_is_made_anew(streams: Streams) {
    let stream = streams.kinesis("anew-split", 1).await;
    let created = stream.created().await;
    let lab = Lab::new(streams.engine());
    let row = lab.map_arn(&stream.arn, &json!({}), saying("null")).await;
    put(&stream, 0..5).await;
    let parent = stream.open_shards().await.remove(0);
    stream.split(&parent).await;
    put(&stream, 5..10).await;
    row.until_settled(10).await;
    stream.delete().await;
    until_later(created).await;
    stream.create_again(1).await;
    assert_eq!(stream.shards().await[0].shard_id, parent.shard_id);
    put(&stream, 10..15).await;
    row.until_records(15).await;
    lab.engine.shutdown().await;
    assert_eq!(row.values(), numbers(0..15));
}

/// The stream of a table made anew has an ARN of its own: it is another source.
async fn a_table_made_anew_is_another_source(streams: Streams) {
    let table = streams.table("anew").await;
    let lab = Lab::new(streams.engine());
    let row = lab.map_arn(&table.arn, &json!({}), saying("null")).await;
    for number in 0..5 {
        let item = json!({ "id": { "S": "key" }, "body": { "S": number.to_string() } });
        table.put_item(item).await;
    }
    row.until_settled(5).await;
    table.delete().await;
    let again = table.create_again().await;
    assert_ne!(again.arn, table.arn);
    let new = lab.map_arn(&again.arn, &json!({}), saying("null")).await;
    let item = json!({ "id": { "S": "key" }, "body": { "S": "5" } });
    again.put_item(item).await;
    new.until_settled(1).await;
    lab.engine.shutdown().await;
    assert_eq!(row.values(), numbers(0..5));
    assert_eq!(new.values(), numbers(5..6));
}

on_servers! {
    kinesis_local: a_stream_made_anew_is_read_from_its_oldest_record,
        a_shard_read_to_its_end_is_read_again_when_its_stream_is_made_anew;
    ministack_kinesis: a_stream_made_anew_is_read_from_its_oldest_record;
    dynamodb_local: a_table_made_anew_is_another_source;
    ministack_dynamodb: a_table_made_anew_is_another_source;
}
