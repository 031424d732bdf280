//! The promises of the port.

use std::time::Duration;

use bytes::Bytes;
use lambda_esm_engine::Clock;
use lambda_esm_engine::contract::{
    bytes_contract, expiry_contract, merge_contract, recreation_contract, retention_contract,
    split_contract, stream_source_contract,
};
use lambda_esm_engine::memory::{MemoryStream, MemoryStreamOptions, StreamKind};
use tokio::time::sleep;

use crate::support::{START, document_db, dynamo_db, kinesis, put, text};

#[tokio::test(start_paused = true)]
async fn a_kinesis_stream_keeps_the_contract() {
    for shards in [1, 3] {
        let stream = kinesis(shards);
        let clock = Clock::starting_at(START);
        let put = async |key: &str, text: &str| drop(put(&stream, StreamKind::Kinesis, key, text));
        stream_source_contract(&stream, clock, put, text).await;
        bytes_contract(&stream, async |key: &str, data: &[u8]| {
            drop(stream.put(key, Bytes::copy_from_slice(data)).unwrap());
        })
        .await;
        let split = async |shard: &_| drop(stream.split(shard, None).unwrap());
        split_contract(&stream, put, text, split).await;
        let merge = async |one: &_, other: &_| drop(stream.merge(one, other).unwrap());
        merge_contract(&stream, put, text, merge).await;
        passes_away(&stream, StreamKind::Kinesis).await;
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
        passes_away(&stream, StreamKind::DynamoDb).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_change_stream_keeps_the_contract() {
    let stream = document_db();
    let clock = Clock::starting_at(START);
    let put = async |key: &str, text: &str| drop(put(&stream, StreamKind::DocumentDb, key, text));
    stream_source_contract(&stream, clock, put, text).await;
    let retention = Duration::from_secs(3 * 60 * 60);
    retention_contract(&stream, put, text, async || sleep(retention).await).await;
    recreation_contract(&stream, put, text, async || stream.recreate()).await;
}

#[tokio::test(start_paused = true)]
async fn a_change_stream_has_one_shard_for_ever() {
    let stream = MemoryStream::new(
        Clock::starting_at(START),
        MemoryStreamOptions::document_db().with_shards(5),
    );
    let [shard] = &stream.shards()[..] else {
        panic!("{:?}", stream.shards());
    };
    assert!(stream.split(&shard.id, None).is_err());
    assert!(stream.roll(&shard.id).is_err());
    assert!(stream.merge(&shard.id, &shard.id).is_err());
    assert!(stream.put("key", "data").is_err());
}

/// Checks what is promised of positions, records and streams that pass away.
async fn passes_away(stream: &MemoryStream, kind: StreamKind) {
    let put = async |key: &str, text: &str| drop(put(stream, kind, key, text));
    let lifetime = Duration::from_secs(15 * 60);
    expiry_contract(stream, put, text, async || sleep(lifetime).await).await;
    let retention = Duration::from_secs(24 * 60 * 60);
    retention_contract(stream, put, text, async || sleep(retention).await).await;
    recreation_contract(stream, put, text, async || stream.recreate()).await;
}
