//! What a [`StreamSource`] must do when positions, or the stream itself, are no longer what they were.

use lambda_esm_core::fault::SourceErrorKind;
use lambda_esm_core::record::StreamRecord;

use super::calls::{PLENTY, Place, fetch, list, open, try_fetch};
use super::reader::StreamReader;
use super::retention::is;
use crate::contract::promise::{equal, holds};
use crate::ports::{Start, StreamSource};

/// Checks what a reader sees of positions that have expired.
///
/// `put` and `text` are those of [`stream_source_contract`](super::stream_source_contract); `expire` returns when
/// all positions that were given out have expired, e.g. after a sleep. Sources whose positions never expire need
/// not run it. Run it on paused time, unless the source calls a server.
///
/// The promises:
/// - a position that was good once and is no longer fails as expired, be it from `open` or from a page;
/// - the shard is then opened anew, and nothing is lost.
///
/// # Panics
/// Panics if a promise is broken.
pub async fn expiry_contract(
    source: &dyn StreamSource,
    put: impl AsyncFn(&str, &str),
    text: impl Fn(&StreamRecord) -> String,
    expire: impl AsyncFn(),
) {
    let mut reader = StreamReader::open(source, Start::Latest).await;
    put("x", "read").await;
    let (shard, record) = reader.read(1).await.remove(0);
    let after = Start::After(record.sequence.clone());
    let opened = open(source, &shard, &after).await;
    let followed = fetch(source, &shard, &opened, PLENTY).await.next;
    put("x", "unread").await;
    expire().await;
    for cursor in [Some(opened), followed].into_iter().flatten() {
        let fetched = try_fetch(source, &shard, &cursor, PLENTY).await;
        holds(
            "a position that was good once and is no longer fails as expired",
            is(&fetched, &[SourceErrorKind::Expired]),
            "Expired",
            &fetched,
        );
    }
    let mut place = Place::open(source, &shard, &after).await;
    let found: Vec<_> = place.read(1, PLENTY).await.iter().map(&text).collect();
    equal(
        "a shard is opened anew where a position has expired",
        &found,
        &["unread"],
    );
}

/// Checks what a reader sees of a stream that is deleted and made anew under its name.
///
/// `put` and `text` are those of [`stream_source_contract`](super::stream_source_contract); `recreate` returns
/// when the new stream is there. Run it on paused time, unless the source calls a server.
///
/// The promises:
/// - a stream that is made anew has another identity;
/// - it has none of the records of the former one;
/// - a position in the former one fails as expired or not found.
///
/// # Panics
/// Panics if a promise is broken.
pub async fn recreation_contract(
    source: &dyn StreamSource,
    put: impl AsyncFn(&str, &str),
    text: impl Fn(&StreamRecord) -> String,
    recreate: impl AsyncFn(),
) {
    let mut reader = StreamReader::open(source, Start::Latest).await;
    put("n", "former").await;
    let (shard, _) = reader.read(1).await.remove(0);
    let cursor = open(source, &shard, &Start::TrimHorizon).await;
    let former = list(source).await.facts.identity;
    recreate().await;
    let identity = list(source).await.facts.identity;
    holds(
        "a stream that is made anew has another identity",
        identity != former && !identity.is_empty(),
        format_args!("another one than {former:?}"),
        &identity,
    );
    let fetched = try_fetch(source, &shard, &cursor, PLENTY).await;
    holds(
        "a position in a former stream fails as expired or not found",
        is(
            &fetched,
            &[SourceErrorKind::Expired, SourceErrorKind::NotFound],
        ),
        "Expired or NotFound",
        &fetched,
    );
    let mut reader = StreamReader::open(source, Start::TrimHorizon).await;
    let mut found = reader.round().await;
    put("n", "new").await;
    found.extend(reader.read(1).await);
    let found: Vec<_> = found.iter().map(|(_, record)| text(record)).collect();
    equal(
        "a stream that is made anew has no records of the former one",
        &found,
        &["new"],
    );
}
