//! A store that lives as long as the process.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use uuid::Uuid;

use crate::store::{Store, StoreError, StoredMapping, StoredPosition};

/// Keeps mappings and positions in memory: what an engine does when it is given no store.
#[derive(Debug, Default)]
pub struct MemoryStore(Mutex<Kept>);

#[derive(Debug, Default)]
struct Kept {
    mappings: BTreeMap<Uuid, StoredMapping>,
    positions: BTreeMap<(Uuid, String), StoredPosition>,
}

impl MemoryStore {
    fn lock(&self) -> MutexGuard<'_, Kept> {
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
        kept.positions.retain(|(owner, _), _| *owner != mapping);
        Ok(())
    }

    async fn positions(&self, mapping: Uuid) -> Result<Vec<StoredPosition>, StoreError> {
        let kept = self.lock();
        let owned = kept
            .positions
            .values()
            .filter(|each| each.mapping == mapping);
        Ok(owned.cloned().collect())
    }

    async fn commit(&self, positions: Vec<StoredPosition>) -> Result<(), StoreError> {
        let mut kept = self.lock();
        for position in &positions {
            let key = (position.mapping, position.partition.clone());
            if kept
                .positions
                .get(&key)
                .is_some_and(|known| known.fence > position.fence)
            {
                return Err(StoreError::Fenced(position.partition.clone()));
            }
        }
        for position in positions {
            kept.positions
                .insert((position.mapping, position.partition.clone()), position);
        }
        Ok(())
    }

    async fn forget(&self, mapping: Uuid, partitions: Vec<String>) -> Result<(), StoreError> {
        let mut kept = self.lock();
        for partition in partitions {
            kept.positions.remove(&(mapping, partition));
        }
        Ok(())
    }
}
