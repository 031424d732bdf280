//! The calls of a stream, each with a bound, and one shard read page by page.

use std::time::Duration;

use lambda_esm_core::fault::SourceError;
use lambda_esm_core::record::StreamRecord;
use tokio::time::Instant;

use crate::contract::promise::{broken, holds, succeeds};
use crate::patience::within;
use crate::ports::{Cursor, FetchRequest, Listing, Page, Shard, ShardId, Start, StreamSource};

/// How long the contracts wait for an answer, and for what must happen on a server.
pub(in crate::contract) const PATIENCE: Duration = Duration::from_secs(30);

/// How long they wait before they look again: Kinesis allows five reads a second.
pub(in crate::contract) const PAUSE: Duration = Duration::from_millis(250);

/// A page that is never full of what the contracts put.
pub(super) const PLENTY: usize = 100;

/// The promise of a shard that is not closed.
pub(super) const NO_END: &str = "an open shard has no end";

async fn answered<T>(call: impl Future<Output = T>, what: impl FnOnce() -> String) -> T {
    match within(PATIENCE, call).await {
        Some(answer) => answer,
        None => broken(
            "every call is answered, whatever other calls are under way",
            format_args!("an answer within {PATIENCE:?}"),
            &format_args!("none to {}", what()),
        ),
    }
}

pub(super) async fn list(source: &dyn StreamSource) -> Listing {
    let listing = answered(source.list(), || "a listing".to_owned()).await;
    succeeds("a stream that is there is listed", listing)
}

pub(super) async fn try_open(
    source: &dyn StreamSource,
    shard: &ShardId,
    from: &Start,
) -> Result<Cursor, SourceError> {
    answered(source.open(shard, from), || {
        format!("the opening of {shard} at {from}")
    })
    .await
}

pub(super) async fn open(source: &dyn StreamSource, shard: &ShardId, from: &Start) -> Cursor {
    let opened = try_open(source, shard, from).await;
    let promise = format!("a shard that is listed is opened at {}", in_words(from));
    succeeds(&promise, opened)
}

/// Returns a beginning as the promises call it.
fn in_words(from: &Start) -> &'static str {
    match from {
        Start::TrimHorizon => "TrimHorizon",
        Start::Latest => "Latest",
        Start::Timestamp(_) => "a Timestamp",
        Start::After(_) => "After a record that it holds",
        _ => "any beginning",
    }
}

pub(super) fn request(
    shard: &ShardId,
    cursor: &Cursor,
    limit: usize,
    wait: Duration,
) -> FetchRequest {
    FetchRequest::new(shard.clone(), cursor.clone(), limit).with_wait(wait)
}

pub(super) async fn try_fetch(
    source: &dyn StreamSource,
    shard: &ShardId,
    cursor: &Cursor,
    limit: usize,
) -> Result<Page, SourceError> {
    let request = request(shard, cursor, limit, Duration::ZERO);
    answered(source.fetch(request), || format!("a fetch from {shard}")).await
}

/// Reads one page.
///
/// # Panics
/// Panics if the source fails, or returns more than was asked for.
pub async fn fetch(
    source: &dyn StreamSource,
    shard: &ShardId,
    cursor: &Cursor,
    limit: usize,
) -> Page {
    let page = try_fetch(source, shard, cursor, limit).await;
    let page = succeeds("a position that is good is fetched", page);
    holds(
        "a page has at most as many records as were asked for",
        page.records.len() <= limit,
        format_args!("at most {limit}"),
        &page.records.len(),
    );
    page
}

/// Where the reading of one shard goes on.
pub(super) struct Place<'a> {
    source: &'a dyn StreamSource,
    pub(super) shard: ShardId,
    /// `None` behind the end of a closed shard.
    pub(super) next: Option<Cursor>,
}

impl<'a> Place<'a> {
    pub(super) const fn at(source: &'a dyn StreamSource, shard: ShardId, cursor: Cursor) -> Self {
        Self {
            source,
            shard,
            next: Some(cursor),
        }
    }

    pub(super) async fn open(source: &'a dyn StreamSource, shard: &ShardId, from: &Start) -> Self {
        Self::at(source, shard.clone(), open(source, shard, from).await)
    }

    /// Reads one page of a shard that goes on, and moves behind it.
    pub(super) async fn page(&mut self, limit: usize) -> Page {
        let Some(cursor) = &self.next else {
            broken(NO_END, "where to read on", &self.shard);
        };
        let page = fetch(self.source, &self.shard, cursor, limit).await;
        self.next.clone_from(&page.next);
        page
    }

    /// Reads until `number` records have come, in pages of at most `limit`. Comes back with fewer if the
    /// shard ends, or if none comes for as long as the contracts wait.
    pub(super) async fn read(&mut self, number: usize, limit: usize) -> Vec<StreamRecord> {
        let mut found = Vec::new();
        let mut heard = Instant::now();
        while found.len() < number && self.next.is_some() && heard.elapsed() < PATIENCE {
            let page = self.page(limit).await;
            if page.records.is_empty() {
                tokio::time::sleep(PAUSE).await;
            } else {
                heard = Instant::now();
                found.extend(page.records);
            }
        }
        found
    }

    /// Reads to the end of the shard, in pages of at most `limit`. Returns the records, and the children
    /// if they are named.
    pub(super) async fn read_to_end(&mut self, limit: usize) -> (Vec<StreamRecord>, Vec<Shard>) {
        let start = Instant::now();
        let mut found = Vec::new();
        loop {
            let page = self.page(limit).await;
            let came = page.records.len();
            found.extend(page.records);
            if self.next.is_none() {
                return (found, page.children);
            }
            holds(
                "a closed shard ends: a page says that nothing follows it",
                start.elapsed() < PATIENCE,
                format_args!("the end of {}", self.shard),
                &format_args!("{} records, and pages that go on", found.len()),
            );
            if came == 0 {
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}
