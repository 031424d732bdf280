//! A reader as simple as can be: what a stream holds, in the order of its shards and their lineage.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use lambda_esm_core::record::StreamRecord;
use tokio::time::Instant;

use crate::ports::{Cursor, FetchRequest, Page, Shard, ShardId, Start, StreamSource};

/// How long the contracts wait for what must happen on a server.
pub(super) const PATIENCE: Duration = Duration::from_secs(30);

/// How long they wait before they look again: Kinesis allows five reads a second.
pub(super) const PAUSE: Duration = Duration::from_millis(250);

/// Reads all shards of a stream, a child only when its parents are read to their end.
pub struct StreamReader<'a> {
    source: &'a dyn StreamSource,
    from: Start,
    /// The shards of the first listing: they begin at `from`, later ones with their oldest record.
    first: BTreeSet<ShardId>,
    /// Where to read on; `None` at the end of a closed shard.
    places: BTreeMap<ShardId, Option<Cursor>>,
}

impl<'a> StreamReader<'a> {
    /// Opens a stream at `from`. Shards that are closed by then count as read if that is
    /// [`Latest`](Start::Latest).
    ///
    /// # Panics
    /// Panics if the source fails.
    pub async fn open(source: &'a dyn StreamSource, from: Start) -> Self {
        let shards = source.list().await.unwrap().shards;
        let over = shards.iter();
        let over = over.filter(|shard| shard.closed && from == Start::Latest);
        let mut reader = Self {
            source,
            places: over.map(|shard| (shard.id.clone(), None)).collect(),
            first: shards.iter().map(|shard| shard.id.clone()).collect(),
            from,
        };
        reader.follow(shards).await;
        reader
    }

    /// Opens the shards whose turn has come.
    async fn follow(&mut self, shards: Vec<Shard>) {
        let listed: BTreeSet<_> = shards.iter().map(|shard| shard.id.clone()).collect();
        for shard in shards {
            let mut parents = shard.parents.iter().filter(|id| listed.contains(*id));
            let due = parents.all(|parent| matches!(self.places.get(parent), Some(None)));
            if due && !self.places.contains_key(&shard.id) {
                let from = if self.first.contains(&shard.id) {
                    &self.from
                } else {
                    &Start::TrimHorizon
                };
                let cursor = self.source.open(&shard.id, from).await.unwrap();
                self.places.insert(shard.id, Some(cursor));
            }
        }
    }

    /// Fetches once from each shard that is open, and then opens those whose turn has come.
    ///
    /// # Panics
    /// Panics if the source fails.
    pub async fn round(&mut self) -> Vec<(ShardId, StreamRecord)> {
        let mut found = Vec::new();
        for (shard, place) in &mut self.places {
            if let Some(cursor) = place {
                let page = fetch(self.source, shard, cursor, 1000).await;
                found.extend(page.records.into_iter().map(|each| (shard.clone(), each)));
                *place = page.next;
            }
        }
        let shards = self.source.list().await.unwrap().shards;
        self.follow(shards).await;
        found
    }

    /// Reads until `number` records have arrived, and returns these with their shards.
    ///
    /// # Panics
    /// Panics if more arrive, if they do not within half a minute, or if the source fails.
    pub async fn read(&mut self, number: usize) -> Vec<(ShardId, StreamRecord)> {
        let start = Instant::now();
        let mut found = Vec::new();
        while found.len() < number {
            let new = self.round().await;
            let came = new.len();
            found.extend(new);
            if came == 0 {
                let missing = format!("{} of {number} records arrived", found.len());
                assert!(start.elapsed() < PATIENCE, "{missing}");
                tokio::time::sleep(PAUSE).await;
            }
        }
        assert_eq!(found.len(), number, "too many records: {found:?}");
        found
    }
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
    let request = FetchRequest::new(shard.clone(), cursor.clone(), limit);
    let page = source.fetch(request).await.unwrap();
    let found = page.records.len();
    assert!(found <= limit, "asked for {limit} records, got {found}");
    page
}

/// Reads a shard from `from` until `number` records have arrived, in pages of at most `limit`; returns
/// them, and where to read on.
pub(super) async fn read_shard(
    source: &dyn StreamSource,
    shard: &ShardId,
    from: &Start,
    (number, limit): (usize, usize),
) -> (Vec<StreamRecord>, Option<Cursor>) {
    let start = Instant::now();
    let mut place = Some(source.open(shard, from).await.unwrap());
    let mut found = Vec::new();
    while found.len() < number {
        let cursor = place.unwrap_or_else(|| panic!("{shard} ended after {found:?}"));
        let page = fetch(source, shard, &cursor, limit).await;
        if page.records.is_empty() {
            assert!(
                start.elapsed() < PATIENCE,
                "only {found:?} came from {shard}"
            );
            tokio::time::sleep(PAUSE).await;
        }
        found.extend(page.records);
        place = page.next;
    }
    (found, place)
}

/// Reads on from `cursor` until the shard ends. Returns the records, and the children if they are named.
pub(super) async fn read_to_end(
    source: &dyn StreamSource,
    shard: &ShardId,
    mut cursor: Cursor,
) -> (Vec<StreamRecord>, Vec<Shard>) {
    let start = Instant::now();
    let mut found = Vec::new();
    loop {
        let page = fetch(source, shard, &cursor, 100).await;
        found.extend(page.records);
        match page.next {
            None => return (found, page.children),
            Some(next) => cursor = next,
        }
        assert!(
            start.elapsed() < PATIENCE,
            "{shard} is closed, and has no end"
        );
        tokio::time::sleep(PAUSE).await;
    }
}
