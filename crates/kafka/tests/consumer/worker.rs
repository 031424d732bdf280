//! A member that reads and commits all it is assigned, as an engine would.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use lambda_esm_core::fault::SourceErrorKind;
use lambda_esm_engine::ports::{
    Assignment, GroupEvent, OwnedPartition, PartitionOffset, TopicConsumer, TopicFetch,
};
use tokio::time::timeout;

use crate::cluster::PATIENCE;

/// Reads what it owns, one page at a time. Lets go of what the group asks for.
pub(crate) struct Worker {
    pub(crate) consumer: Arc<dyn TopicConsumer>,
    pub(crate) owned: BTreeMap<i32, u64>,
    /// Offset and value of what was read, by partition, in the order it came.
    pub(crate) read: BTreeMap<i32, Vec<(i64, String)>>,
    /// The keys of what was read.
    pub(crate) keys: Vec<Option<bytes::Bytes>>,
    pub(crate) positions: BTreeMap<i32, i64>,
    pub(crate) events: Vec<GroupEvent>,
}

impl Worker {
    pub(crate) fn new(consumer: Arc<dyn TopicConsumer>) -> Self {
        Self {
            consumer,
            owned: BTreeMap::new(),
            read: BTreeMap::new(),
            keys: Vec::new(),
            positions: BTreeMap::new(),
            events: Vec::new(),
        }
    }

    /// Returns the next event, of which it takes note.
    pub(crate) async fn event(&mut self) -> GroupEvent {
        let event = timeout(PATIENCE, self.consumer.next_event()).await.unwrap();
        self.note(&event).await;
        event
    }

    /// Waits until it owns so many partitions.
    pub(crate) async fn owns(&mut self, count: usize) {
        while self.owned.len() != count {
            self.event().await;
        }
    }

    /// Takes note of the events that are there.
    pub(crate) async fn catch_up(&mut self) {
        while let Ok(event) = timeout(Duration::ZERO, self.consumer.next_event()).await {
            self.note(&event).await;
        }
    }

    async fn note(&mut self, event: &GroupEvent) {
        self.events.push(event.clone());
        match event {
            GroupEvent::Assigned(assigned) => {
                for Assignment { owned, .. } in assigned {
                    self.owned.insert(owned.partition, owned.epoch);
                }
            }
            GroupEvent::Revoking(asked) => {
                let positions = asked.iter().filter_map(|owned| self.position(*owned));
                let positions: Vec<_> = positions.collect();
                let let_go = self.consumer.let_go(asked.clone(), positions).await;
                // Who hears of it too late, because a commit took its time, has lost them already.
                if let Err(error) = let_go {
                    assert_eq!(error.kind, SourceErrorKind::Expired, "{error}");
                }
                self.lose(asked);
            }
            GroupEvent::Lost(lost) => self.lose(lost),
            _ => {}
        }
    }

    fn lose(&mut self, lost: &[OwnedPartition]) {
        for OwnedPartition { partition, epoch } in lost {
            if self.owned.get(partition) == Some(epoch) {
                self.owned.remove(partition);
                self.positions.remove(partition);
            }
        }
    }

    pub(crate) fn owned(&self, partition: i32) -> OwnedPartition {
        let epoch = self.owned[&partition];
        OwnedPartition { partition, epoch }
    }

    fn position(&self, owned: OwnedPartition) -> Option<PartitionOffset> {
        let offset = *self.positions.get(&owned.partition)?;
        Some(PartitionOffset { owned, offset })
    }

    /// Reads once in each partition, and takes note of what came.
    pub(crate) async fn round(&mut self, wait: Duration) {
        let owned: Vec<_> = self.owned.keys().map(|one| self.owned(*one)).collect();
        for owned in owned {
            let fetch = TopicFetch::new(owned, 10_000, 1 << 20).with_wait(wait);
            let page = match self.consumer.fetch(fetch).await {
                Ok(page) => page,
                Err(error) if error.kind == SourceErrorKind::Expired => continue,
                Err(error) => panic!("{error}"),
            };
            let read = self.read.entry(owned.partition).or_default();
            for record in page.records {
                self.keys.push(record.key);
                let value = record
                    .value
                    .map(|value| String::from_utf8(value.to_vec()).unwrap());
                read.push((record.offset, value.unwrap_or_default()));
            }
            if let Some(position) = page.position {
                self.positions.insert(owned.partition, position);
            }
        }
    }

    /// Commits all that was read. The group may be rebalancing.
    pub(crate) async fn commit(&self) -> Result<(), SourceErrorKind> {
        let offsets = self.owned.iter().filter_map(|(partition, epoch)| {
            self.position(OwnedPartition {
                partition: *partition,
                epoch: *epoch,
            })
        });
        let committed = self.consumer.commit(offsets.collect()).await;
        committed.map_err(|error| error.kind)
    }

    /// Reads and commits until it has come to these positions.
    pub(crate) async fn read_to(&mut self, ends: &BTreeMap<i32, i64>) {
        let reads = async {
            while self.positions != *ends {
                self.catch_up().await;
                self.round(Duration::from_millis(20)).await;
            }
            while self.commit().await.is_err() {
                self.catch_up().await;
                tokio::task::yield_now().await;
            }
        };
        if timeout(PATIENCE, reads).await.is_err() {
            panic!(
                "came to {:?}, not {ends:?}; {:?}",
                self.positions, self.events
            );
        }
    }

    /// Returns the values that were read, each once.
    pub(crate) fn values(&self) -> BTreeSet<String> {
        let all = self.read.values().flatten();
        all.map(|(_, value)| value.clone()).collect()
    }
}
