//! The in-memory stream keeps the contract of the real ones.

#![expect(clippy::unwrap_used, reason = "tests stop at the first surprise")]

use lambda_esm_core::Timestamp;
use lambda_esm_core::record::{DynamoDbRecord, StreamContent, StreamRecord};
use lambda_esm_engine::Clock;
use lambda_esm_engine::contract::{merge_contract, split_contract, stream_source_contract};
use lambda_esm_engine::memory::{MemoryStream, MemoryStreamOptions, StreamKind};

fn clock() -> Clock {
    Clock::starting_at(Timestamp(1_700_000_000_123))
}

fn kinesis(shards: usize) -> MemoryStream {
    MemoryStream::new(clock(), MemoryStreamOptions::kinesis().with_shards(shards))
}

fn dynamo_db(shards: usize) -> MemoryStream {
    MemoryStream::new(
        clock(),
        MemoryStreamOptions::dynamo_db().with_shards(shards),
    )
}

/// Puts a record into a stream of either kind.
fn put(stream: &MemoryStream, kind: StreamKind, key: &str, text: &str) {
    let placed = match kind {
        StreamKind::Kinesis => stream.put(key, text.to_owned()),
        StreamKind::DynamoDb => stream.put_change(DynamoDbRecord {
            event_name: "MODIFY".into(),
            keys: format!(r#"{{"id":{{"S":"{key}"}}}}"#),
            new_image: Some(text.to_owned()),
            ..DynamoDbRecord::default()
        }),
    };
    placed.unwrap();
}

fn text(record: &StreamRecord) -> String {
    match &record.content {
        StreamContent::Kinesis(record) => String::from_utf8(record.data.to_vec()).unwrap(),
        StreamContent::DynamoDb(record) => record.new_image.clone().unwrap(),
    }
}

#[tokio::test(start_paused = true)]
async fn keeps_the_contract_as_a_kinesis_stream() {
    for shards in [1, 3] {
        let stream = kinesis(shards);
        let put = async |key: &str, text: &str| put(&stream, StreamKind::Kinesis, key, text);
        stream_source_contract(&stream, clock(), put, text).await;
        let split = async |shard: &_| drop(stream.split(shard, None).unwrap());
        split_contract(&stream, put, text, split).await;
        let merge = async |one: &_, other: &_| drop(stream.merge(one, other).unwrap());
        merge_contract(&stream, put, text, merge).await;
    }
}

#[tokio::test(start_paused = true)]
async fn keeps_the_contract_as_a_dynamo_db_stream() {
    for shards in [1, 3] {
        let stream = dynamo_db(shards);
        let put = async |key: &str, text: &str| put(&stream, StreamKind::DynamoDb, key, text);
        stream_source_contract(&stream, clock(), put, text).await;
        let split = async |shard: &_| drop(stream.split(shard, None).unwrap());
        split_contract(&stream, put, text, split).await;
        let roll = async |shard: &_| drop(stream.roll(shard).unwrap());
        split_contract(&stream, put, text, roll).await;
    }
}
