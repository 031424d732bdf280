//! Streams of each kind, and short ways to write to them and read from them.

use lambda_esm_core::Timestamp;
use lambda_esm_core::fault::SourceErrorKind;
use lambda_esm_core::record::{DynamoDbRecord, KinesisRecord, StreamContent, StreamRecord};
use lambda_esm_engine::Clock;
use lambda_esm_engine::contract::fetch;
use lambda_esm_engine::memory::{MemoryStream, MemoryStreamOptions, Placed, StreamKind};
use lambda_esm_engine::ports::{Cursor, FetchRequest, Page, ShardId, Start, StreamSource as _};

pub(crate) const START: Timestamp = Timestamp(1_700_000_000_123);

pub(crate) fn stream(options: MemoryStreamOptions) -> MemoryStream {
    MemoryStream::new(Clock::starting_at(START), options)
}

pub(crate) fn kinesis(shards: usize) -> MemoryStream {
    stream(MemoryStreamOptions::kinesis().with_shards(shards))
}

pub(crate) fn dynamo_db(shards: usize) -> MemoryStream {
    stream(MemoryStreamOptions::dynamo_db().with_shards(shards))
}

pub(crate) fn document_db() -> MemoryStream {
    stream(MemoryStreamOptions::document_db())
}

/// Returns a record for a stream of any kind.
pub(crate) fn record(kind: StreamKind, key: &str, text: &str) -> StreamContent {
    match kind {
        StreamKind::DynamoDb => {
            let keys = serde_json::json!({ "id": { "S": key } }).to_string();
            StreamContent::DynamoDb(Box::new(
                DynamoDbRecord::new("", "MODIFY", keys).with_new_image(Some(text.to_owned())),
            ))
        }
        StreamKind::DocumentDb => {
            let change = serde_json::json!({ "documentKey": key, "text": text });
            StreamContent::Change(change.to_string())
        }
        _ => StreamContent::Kinesis(KinesisRecord::new(key, text.to_owned())),
    }
}

pub(crate) fn put(stream: &MemoryStream, kind: StreamKind, key: &str, text: &str) -> Placed {
    stream.put_record(record(kind, key, text)).unwrap()
}

pub(crate) fn text(record: &StreamRecord) -> String {
    match &record.content {
        StreamContent::Kinesis(record) => String::from_utf8(record.data.to_vec()).unwrap(),
        StreamContent::DynamoDb(record) => record.new_image.clone().unwrap(),
        StreamContent::Change(change) => {
            let change: serde_json::Value = serde_json::from_str(change).unwrap();
            change["text"].as_str().unwrap().to_owned()
        }
        StreamContent::Unreadable(record) => record.json.clone(),
        other => unreachable!("{other:?}"),
    }
}

pub(crate) fn texts(page: &Page) -> Vec<String> {
    page.records.iter().map(text).collect()
}

/// Returns the name of the stream's shard that was made as number `n`, of those still listed.
pub(crate) fn shard(stream: &MemoryStream, n: usize) -> ShardId {
    stream.shards().swap_remove(n).id
}

pub(crate) async fn open(stream: &MemoryStream, shard: &ShardId, from: Start) -> Cursor {
    stream.open(shard, &from).await.unwrap()
}

/// Reads one page from `from` on.
pub(crate) async fn read(stream: &MemoryStream, shard: &ShardId, from: Start) -> Page {
    let cursor = open(stream, shard, from).await;
    fetch(stream, shard, &cursor, 10_000).await
}

/// Returns why `cursor` cannot be fetched.
pub(crate) async fn refusal(
    stream: &MemoryStream,
    shard: &ShardId,
    cursor: &Cursor,
) -> SourceErrorKind {
    let request = FetchRequest::new(shard.clone(), cursor.clone(), 10);
    stream.fetch(request).await.unwrap_err().kind
}

/// Returns why `shard` cannot be opened.
pub(crate) async fn open_refusal(
    stream: &MemoryStream,
    shard: &ShardId,
    from: Start,
) -> SourceErrorKind {
    stream.open(shard, &from).await.unwrap_err().kind
}
