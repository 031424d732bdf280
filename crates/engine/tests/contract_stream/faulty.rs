//! A stream with a fault, around one without.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard};

use bytes::Bytes;
use lambda_esm_core::Timestamp;
use lambda_esm_core::record::{DynamoDbRecord, StreamRecord};
use lambda_esm_engine::Clock;
use lambda_esm_engine::memory::{MemoryStream, StreamKind};
use lambda_esm_engine::ports::{Cursor, FetchRequest, Page, ShardId, Start, StreamSource as _};
use serde_json::json;

use crate::fault::Fault;

/// What the clocks show at first.
pub(crate) const START: Timestamp = Timestamp(1_700_000_000_123);

pub(crate) struct Faulty {
    inner: MemoryStream,
    kind: StreamKind,
    fault: Option<Fault>,
    clock: Clock,
    state: Mutex<State>,
    /// Held by a fetch that holds up others.
    pub(crate) turn: tokio::sync::Mutex<()>,
}

/// What a fault remembers.
#[derive(Default)]
pub(crate) struct State {
    /// How many records were put under the key `a`.
    pub(crate) puts: usize,
    pub(crate) lists: usize,
    /// How often each position was fetched.
    pub(crate) fetches: HashMap<Cursor, usize>,
    /// How many fetches are under way.
    pub(crate) under_way: usize,
    /// How often the stream was made anew.
    pub(crate) generation: usize,
    /// What was asked for last.
    pub(crate) asked: Option<FetchRequest>,
    /// The positions that were read, and where to read on.
    pub(crate) read: HashMap<Cursor, Cursor>,
    /// Where each shard is read, if that is one place.
    pub(crate) current: HashMap<ShardId, Cursor>,
    /// The positions of fetches that have not come back.
    pub(crate) taken: HashSet<Cursor>,
    /// The records that were read.
    pub(crate) seen: HashSet<Arc<str>>,
    /// The records before some positions.
    pub(crate) before: HashMap<Cursor, StreamRecord>,
}

impl Faulty {
    pub(crate) fn new(inner: MemoryStream, kind: StreamKind, fault: Option<Fault>) -> Self {
        Self {
            inner,
            kind,
            fault,
            clock: Clock::starting_at(START),
            state: Mutex::default(),
            turn: tokio::sync::Mutex::default(),
        }
    }

    /// Returns the stream without the fault.
    pub(crate) const fn inner(&self) -> &MemoryStream {
        &self.inner
    }

    pub(crate) const fn fault(&self) -> Option<Fault> {
        self.fault
    }

    pub(crate) fn is(&self, fault: Fault) -> bool {
        self.fault == Some(fault)
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    pub(crate) fn put(&self, key: &str, data: &[u8]) {
        let mut state = self.state();
        state.puts += usize::from(key == "a");
        let second = state.puts.is_multiple_of(2);
        drop(state);
        let bytes = Bytes::copy_from_slice(data);
        match (self.kind, self.fault) {
            (StreamKind::DynamoDb, _) => {
                let change =
                    DynamoDbRecord::new("", "MODIFY", json!({ "id": { "S": key } }).to_string())
                        .with_new_image(Some(String::from_utf8(data.to_vec()).unwrap()));
                self.inner.put_change(change).unwrap();
            }
            (_, Some(Fault::RecordInTwoShards)) => {
                self.inner.put_at(0, key, bytes.clone()).unwrap();
                self.inner.put_at(u128::MAX, key, bytes).unwrap();
            }
            (_, Some(Fault::KeyInTwoShards)) => {
                let hash_key = if second { 0 } else { u128::MAX };
                self.inner.put_at(hash_key, key, bytes).unwrap();
            }
            _ => drop(self.inner.put(key, bytes).unwrap()),
        }
    }

    pub(crate) fn recreate(&self) {
        self.state().generation += 1;
        if !self.is(Fault::FormerRecordsStay) {
            self.inner.recreate();
        }
    }

    /// Tells whether a shard takes no new records.
    pub(crate) fn is_closed(&self, shard: &ShardId) -> bool {
        let shards = self.inner.shards();
        shards.iter().any(|each| each.id == *shard && each.closed)
    }

    /// Returns all that a shard holds.
    pub(crate) async fn all(&self, shard: &ShardId) -> Vec<StreamRecord> {
        let Ok(cursor) = self.inner.open(shard, &Start::TrimHorizon).await else {
            return Vec::new();
        };
        let fetched = self.fetch_inner(shard, cursor, 10_000).await;
        fetched.records
    }

    pub(crate) async fn fetch_inner(&self, shard: &ShardId, cursor: Cursor, limit: usize) -> Page {
        let request = FetchRequest::new(shard.clone(), cursor, limit);
        self.inner.fetch(request).await.unwrap()
    }
}
