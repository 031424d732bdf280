//! A store that lives as long as the process.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use uuid::Uuid;

use crate::store::{Store, StoreError, StoredCheckpoint, StoredMapping};

/// Keeps mappings and checkpoints in memory: what an engine does when it is given no store.
#[derive(Debug, Default)]
pub struct MemoryStore(Mutex<Contents>);

#[derive(Debug, Default)]
struct Contents {
    mappings: BTreeMap<Uuid, StoredMapping>,
    checkpoints: BTreeMap<(Uuid, String), StoredCheckpoint>,
}

impl MemoryStore {
    fn lock(&self) -> MutexGuard<'_, Contents> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Store for MemoryStore {
    async fn load(&self) -> Result<Vec<StoredMapping>, StoreError> {
        Ok(self.lock().mappings.values().cloned().collect())
    }

    async fn put(&self, mapping: StoredMapping) -> Result<(), StoreError> {
        self.lock().mappings.insert(mapping.uuid, mapping);
        Ok(())
    }

    async fn remove(&self, mapping: Uuid) -> Result<(), StoreError> {
        let mut kept = self.lock();
        kept.mappings.remove(&mapping);
        kept.checkpoints.retain(|(owner, _), _| *owner != mapping);
        Ok(())
    }

    async fn checkpoints(&self, mapping: Uuid) -> Result<Vec<StoredCheckpoint>, StoreError> {
        let kept = self.lock();
        let owned = kept
            .checkpoints
            .values()
            .filter(|each| each.mapping == mapping);
        Ok(owned.cloned().collect())
    }

    async fn commit(&self, checkpoints: Vec<StoredCheckpoint>) -> Result<(), StoreError> {
        let mut kept = self.lock();
        for checkpoint in &checkpoints {
            let key = (checkpoint.mapping, checkpoint.partition.clone());
            if kept
                .checkpoints
                .get(&key)
                .is_some_and(|known| known.fence > checkpoint.fence)
            {
                return Err(StoreError::Fenced(checkpoint.partition.clone()));
            }
        }
        for checkpoint in checkpoints {
            kept.checkpoints.insert(
                (checkpoint.mapping, checkpoint.partition.clone()),
                checkpoint,
            );
        }
        Ok(())
    }

    async fn forget(&self, mapping: Uuid, partitions: Vec<String>) -> Result<(), StoreError> {
        let mut kept = self.lock();
        for partition in partitions {
            kept.checkpoints.remove(&(mapping, partition));
        }
        Ok(())
    }
}
