//! What a fetch promises that waits for records.

use std::time::Duration;

use futures::future::join;
use tokio::time::Instant;

use super::calls::{PATIENCE, fetch, open, request};
use super::listing::SKEW;
use crate::contract::promise::holds;
use crate::patience::within;
use crate::ports::{Cursor, ShardId, Start, StreamSource};

/// Waits at a `cursor` that no record follows.
pub(super) async fn end(
    source: &dyn StreamSource,
    shard: &ShardId,
    cursor: &Cursor,
    wait: Duration,
) {
    let start = Instant::now();
    let fetch = source.fetch(request(shard, cursor, 10, wait));
    let answer = within(wait + PATIENCE, fetch).await;
    holds(
        "a fetch waits no longer than it is asked to",
        matches!(answer, Some(Ok(_))),
        format_args!("a page after {wait:?}"),
        &format_args!("{answer:?} after {:?}", start.elapsed()),
    );
}

/// Reads a shard at a `cursor` that records follow, while a fetch from an `idle` one waits.
pub(super) async fn hold_up_no_other_shard(
    source: &dyn StreamSource,
    (shard, cursor): (&ShardId, &Cursor),
    idle: &ShardId,
    wait: Duration,
) {
    let newest = open(source, idle, &Start::Latest).await;
    let start = Instant::now();
    let reading = async {
        fetch(source, shard, cursor, 10).await;
        start.elapsed()
    };
    let ((), took) = join(end(source, idle, &newest, wait), reading).await;
    holds(
        "a fetch that waits holds up no fetch from another shard",
        took < SKEW,
        format_args!("an answer within {SKEW:?}"),
        &took,
    );
}
