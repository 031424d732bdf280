//! The DynamoDB source against a DynamoDB Local for which ten minutes pass in a second; skipped where
//! none is named.

use std::time::Duration;

use lambda_esm_core::fault::SourceErrorKind;
use lambda_esm_engine::contract::{StreamReader, fetch, split_contract};
use lambda_esm_engine::ports::{FetchRequest, ShardId, Start, StreamSource};
use tokio::time::Instant;

use crate::dynamodb_tables::{Server, Table, text};
use crate::steady::{Steady, answer};

const FAST: &str = "LAMBDA_ESM_TEST_DYNAMODB_FAST";
/// How long the server needs for four hours, and half as long again.
const FOUR_HOURS: Duration = Duration::from_secs(36);

/// Waits until a shard is closed.
async fn closed(source: &Steady, shard: &ShardId) {
    let start = Instant::now();
    loop {
        let shards = source.list().await.unwrap().shards;
        if shards.iter().any(|each| each.id == *shard && each.closed) {
            return;
        }
        assert!(start.elapsed() < FOUR_HOURS, "{shard} does not roll over");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

async fn fast_table(what: &str) -> Option<(Table, Steady)> {
    let server = Server::named(FAST)?;
    let table = server.table(what, "NEW_IMAGE").await;
    let source = Steady::new(table.source().await);
    Some((table, source))
}

#[tokio::test]
async fn a_shard_that_rolls_over_keeps_the_contract() {
    let Some((table, source)) = fast_table("roll-over").await else {
        return;
    };
    let put = async |key: &str, text: &str| table.put_text(key, text).await;
    let split = async |shard: &ShardId| closed(&source, shard).await;
    split_contract(&source, put, text, split).await;
    table.drop().await;
}

#[tokio::test]
async fn an_iterator_expires_after_a_quarter_of_an_hour() {
    let Some((table, source)) = fast_table("expiry").await else {
        return;
    };
    table.put_text("a", "1").await;
    let mut reader = StreamReader::open(&source, Start::TrimHorizon).await;
    let (shard, record) = reader.read(1).await.remove(0);
    let after = Start::After(record.sequence.clone());
    let cursor = source.open(&shard, &after).await.unwrap();
    let start = Instant::now();
    let request = FetchRequest::new(shard.clone(), cursor, 10);
    let error = loop {
        match answer(|| source.inner().fetch(request.clone())).await {
            Ok(page) => assert_eq!(page.records, []),
            Err(error) => break error,
        }
        assert!(start.elapsed() < FOUR_HOURS, "the iterator does not expire");
        tokio::time::sleep(Duration::from_millis(100)).await;
    };
    assert_eq!(error.kind, SourceErrorKind::Expired, "{error}");

    table.put_text("a", "2").await;
    let cursor = source.open(&shard, &after).await.unwrap();
    let page = fetch(&source, &shard, &cursor, 10).await;
    assert_eq!(page.records.iter().map(text).collect::<Vec<_>>(), ["2"]);
    table.drop().await;
}
