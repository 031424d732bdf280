//! The promises of the port.

use lambda_esm_engine::contract::{merge_contract, split_contract, stream_source_contract};
use lambda_esm_engine::memory::StreamKind;

use crate::support::{START, dynamo_db, kinesis, put, text};
use lambda_esm_engine::Clock;

#[tokio::test(start_paused = true)]
async fn a_kinesis_stream_keeps_the_contract() {
    for shards in [1, 3] {
        let stream = kinesis(shards);
        let clock = Clock::starting_at(START);
        let put = async |key: &str, text: &str| drop(put(&stream, StreamKind::Kinesis, key, text));
        stream_source_contract(&stream, clock, put, text).await;
        let split = async |shard: &_| drop(stream.split(shard, None).unwrap());
        split_contract(&stream, put, text, split).await;
        let merge = async |one: &_, other: &_| drop(stream.merge(one, other).unwrap());
        merge_contract(&stream, put, text, merge).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_dynamo_db_stream_keeps_the_contract() {
    for shards in [1, 3] {
        let stream = dynamo_db(shards);
        let clock = Clock::starting_at(START);
        let put = async |key: &str, text: &str| drop(put(&stream, StreamKind::DynamoDb, key, text));
        stream_source_contract(&stream, clock, put, text).await;
        let split = async |shard: &_| drop(stream.split(shard, None).unwrap());
        split_contract(&stream, put, text, split).await;
        let roll = async |shard: &_| drop(stream.roll(shard).unwrap());
        split_contract(&stream, put, text, roll).await;
    }
}
