//! What a [`StreamSource`] must do when records have passed their retention.

use lambda_esm_core::fault::{SourceError, SourceErrorKind};
use lambda_esm_core::record::StreamRecord;

use super::calls::{PLENTY, Place, open, try_fetch, try_open};
use super::reader::StreamReader;
use crate::contract::promise::{equal, holds};
use crate::ports::{ShardId, Start, StreamSource};

/// Checks what a reader sees of records that the stream no longer holds.
///
/// `put` and `text` are those of [`stream_source_contract`](super::stream_source_contract); `trim` returns when
/// all records that were put are trimmed, e.g. after a sleep as long as the retention. Run it on paused time,
/// unless the source calls a server.
///
/// The promises:
/// - After a record that is trimmed, as is the next one, fails as trimmed, in `open` or in the first fetch: what
///   is lost is not passed over in silence;
/// - After the last record that was trimmed goes on with the oldest that is there, or fails as trimmed;
/// - `TrimHorizon`, and a time before the oldest record, begin with the oldest record that is there;
/// - a position before that fails as trimmed or expired.
///
/// # Panics
/// Panics if a promise is broken.
pub async fn retention_contract(
    source: &dyn StreamSource,
    put: impl AsyncFn(&str, &str),
    text: impl Fn(&StreamRecord) -> String,
    trim: impl AsyncFn(),
) {
    let mut reader = StreamReader::open(source, Start::Latest).await;
    for each in ["trimmed 1", "trimmed 2"] {
        put("t", each).await;
    }
    let found = reader.read(2).await;
    let shard = &found[0].0;
    let [first, last] = [0, 1].map(|at| &found[at].1);
    let old = open(source, shard, &Start::TrimHorizon).await;
    trim().await;
    put("t", "kept").await;

    for (promise, from) in [
        (
            "TrimHorizon begins with the oldest record",
            Start::TrimHorizon,
        ),
        (
            "a Timestamp before the oldest record begins with that",
            Start::Timestamp(first.arrival),
        ),
    ] {
        let mut place = Place::open(source, shard, &from).await;
        let found = place.read(1, PLENTY).await;
        let found: Vec<_> = found.iter().map(&text).collect();
        equal(promise, &found, &["kept"]);
    }

    let lost = after(source, shard, first, &text).await;
    holds(
        "After a record that is trimmed, as is the next one, fails as trimmed",
        is(&lost, &[SourceErrorKind::Trimmed]),
        "Trimmed",
        &lost,
    );
    let none_lost = after(source, shard, last, &text).await;
    holds(
        "After the last record that was trimmed goes on with the oldest, or fails as trimmed",
        matches!(&none_lost, Ok(found) if *found == ["kept"])
            || is(&none_lost, &[SourceErrorKind::Trimmed]),
        "[\"kept\"], or Trimmed",
        &none_lost,
    );
    let fetched = try_fetch(source, shard, &old, PLENTY).await;
    holds(
        "a position before the oldest record fails as trimmed or expired",
        is(
            &fetched,
            &[SourceErrorKind::Trimmed, SourceErrorKind::Expired],
        ),
        "Trimmed or Expired",
        &fetched,
    );
}

/// Returns the texts of what comes after a record.
async fn after(
    source: &dyn StreamSource,
    shard: &ShardId,
    record: &StreamRecord,
    text: &impl Fn(&StreamRecord) -> String,
) -> Result<Vec<String>, SourceError> {
    let from = Start::After(record.sequence.clone());
    let cursor = try_open(source, shard, &from).await?;
    try_fetch(source, shard, &cursor, PLENTY).await?;
    let found = Place::at(source, shard.clone(), cursor)
        .read(1, PLENTY)
        .await;
    Ok(found.iter().map(text).collect())
}

pub(super) fn is<T>(result: &Result<T, SourceError>, kinds: &[SourceErrorKind]) -> bool {
    matches!(result, Err(error) if kinds.contains(&error.kind))
}
