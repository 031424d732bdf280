//! A reader as simple as can be: what a stream holds, in the order of its shards and their lineage.

use std::collections::{BTreeMap, BTreeSet};

use lambda_esm_core::record::StreamRecord;
use tokio::time::Instant;

use super::calls::{PATIENCE, PAUSE, fetch, list, open};
use crate::contract::promise::holds;
use crate::ports::{Cursor, Shard, ShardId, Start, StreamSource};

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
        let shards = list(source).await.shards;
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
                let cursor = open(self.source, &shard.id, from).await;
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
        let shards = list(self.source).await.shards;
        self.follow(shards).await;
        found
    }

    /// Reads until `number` records have arrived, and returns these with their shards.
    ///
    /// # Panics
    /// Panics if more arrive, if they do not within half a minute, or if the source fails.
    pub async fn read(&mut self, number: usize) -> Vec<(ShardId, StreamRecord)> {
        let mut start = Instant::now();
        let mut found = Vec::new();
        while found.len() < number && start.elapsed() < PATIENCE {
            let new = self.round().await;
            if new.is_empty() {
                tokio::time::sleep(PAUSE).await;
            } else {
                start = Instant::now();
            }
            found.extend(new);
        }
        let places = found
            .iter()
            .map(|(shard, record)| (shard, &record.sequence));
        holds(
            "every record that is put is read, and once",
            found.len() == number,
            format_args!("{number} records, read from {}", self.from),
            &format_args!("{}: {:?}", found.len(), places.collect::<Vec<_>>()),
        );
        found
    }
}
