//! The store itself.

use std::{path::Path, sync::Arc, thread::JoinHandle};

use async_trait::async_trait;
use lambda_esm_engine::store::{Store, StoreError, StoredCheckpoint, StoredMapping};
use tokio::sync::{mpsc, oneshot};
use uuid::Uuid;

use crate::{
    database::SharedDatabase,
    failure, open,
    schema::{Change, CheckpointRow, Reader},
    writer::{self, QUEUE, Request},
};

/// Mappings and checkpoints in `lambda-esm.redb`.
///
/// A change that fails with `Io` may or may not be kept. The store then opens its file anew, and goes
/// on as soon as that succeeds.
///
/// Dropping it writes what still waits, closes the file and gives up its lock. That takes as long
/// as one transaction, and blocks the thread that drops.
#[derive(Debug)]
pub struct RedbStore {
    shared: Arc<SharedDatabase>,
    queue: Option<mpsc::Sender<Request>>,
    writer: Option<JoinHandle<()>>,
}

impl RedbStore {
    /// Opens `<directory>/lambda-esm.redb`, making the directory (mode 0700) and the file (mode
    /// 0600) if they are not there. Reads the whole file once, and blocks meanwhile.
    ///
    /// # Errors
    ///
    /// `Locked` if the file is open elsewhere, in this process or another; `Newer` if its format is
    /// newer than this program; `Corrupt` if it is damaged, or not a state file at all; `Io` for
    /// anything else, permissions above all. The file is then left as it was, to the byte.
    pub fn open(directory: &Path) -> Result<Self, StoreError> {
        let (database, path) = open::open(directory)?;
        let shared = Arc::new(SharedDatabase::new(database, path));
        let (queue, requests) = mpsc::channel(QUEUE);
        let writer = writer::start(Arc::clone(&shared), requests)
            .map_err(|error| failure::io_at(shared.path(), "start a thread for", &error))?;
        Ok(Self {
            shared,
            queue: Some(queue),
            writer: Some(writer),
        })
    }

    /// The file that this store keeps.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.shared.path()
    }

    /// Transactions made durable since the store was opened. Many changes share one.
    #[must_use]
    pub fn transactions(&self) -> u64 {
        self.shared.transactions()
    }

    async fn change(&self, change: Change) -> Result<(), StoreError> {
        let stopped = || failure::stopped(self.shared.path());
        let (answer, answered) = oneshot::channel();
        let queue = self.queue.as_ref().ok_or_else(stopped)?;
        queue
            .send(Request { change, answer })
            .await
            .map_err(|_| stopped())?;
        answered.await.unwrap_or_else(|_| Err(stopped()))
    }

    async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Reader<'_>) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let shared = Arc::clone(&self.shared);
        tokio::task::spawn_blocking(move || {
            shared.with(|database| work(&Reader::begin(database, shared.path())?))
        })
        .await
        .unwrap_or_else(|_| Err(failure::stopped(self.shared.path())))
    }

    fn encode<T: serde::Serialize>(&self, value: &T) -> Result<Vec<u8>, StoreError> {
        serde_json::to_vec(value).map_err(|error| {
            failure::io_at(self.shared.path(), "encode a value for", &error.into())
        })
    }
}

#[async_trait]
impl Store for RedbStore {
    async fn load(&self) -> Result<Vec<StoredMapping>, StoreError> {
        self.read(|reader| reader.mappings()).await
    }

    async fn put(&self, mapping: StoredMapping) -> Result<(), StoreError> {
        self.change(Change::Put {
            mapping: mapping.uuid,
            value: mapping.record.into_bytes(),
        })
        .await
    }

    async fn remove(&self, mapping: Uuid) -> Result<(), StoreError> {
        self.change(Change::Remove(mapping)).await
    }

    async fn checkpoints(&self, mapping: Uuid) -> Result<Vec<StoredCheckpoint>, StoreError> {
        self.read(move |reader| reader.checkpoints(mapping)).await
    }

    async fn commit(&self, checkpoints: Vec<StoredCheckpoint>) -> Result<(), StoreError> {
        if checkpoints.is_empty() {
            return Ok(());
        }
        let checkpoints = checkpoints
            .into_iter()
            .map(|mut checkpoint| {
                let record = std::mem::take(&mut checkpoint.record);
                let value = self.encode(&CheckpointRow::new(record, checkpoint.fence))?;
                Ok((checkpoint, value))
            })
            .collect::<Result<Vec<_>, StoreError>>()?;
        self.change(Change::Commit(checkpoints)).await
    }

    async fn forget(&self, mapping: Uuid, partitions: Vec<String>) -> Result<(), StoreError> {
        self.change(Change::Forget {
            mapping,
            partitions,
        })
        .await
    }
}

impl Drop for RedbStore {
    fn drop(&mut self) {
        self.queue = None;
        if let Some(writer) = self.writer.take()
            && writer.join().is_err()
        {
            tracing::error!("the store's writer panicked");
        }
        // Waits for readers that nobody waits for any more, so that the lock is free afterwards.
        if let Err(error) = self.shared.close() {
            tracing::warn!(%error, "state file not closed cleanly; the next start checks it");
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use lambda_esm_engine::store::{Store, StoredMapping};
    use uuid::Uuid;

    use super::RedbStore;

    fn mapping(number: u128) -> StoredMapping {
        StoredMapping::new(Uuid::from_u128(number), "{}")
    }

    /// With a writer in the way, all that can be written piles up, and reads go on.
    #[tokio::test]
    async fn what_waits_is_one_transaction_and_readers_do_not_wait() {
        let directory = std::env::temp_dir().join(Uuid::new_v4().to_string());
        let store = Arc::new(RedbStore::open(&directory).unwrap());
        store.put(mapping(0)).await.unwrap();
        assert_eq!(store.transactions(), 1);

        let in_the_way = store
            .shared
            .with(|database| Ok(database.begin_write().unwrap()))
            .unwrap();
        let puts: Vec<_> = (1..=64)
            .map(|number| {
                let store = Arc::clone(&store);
                tokio::spawn(async move { store.put(mapping(number)).await })
            })
            .collect();
        tokio::task::yield_now().await;
        assert_eq!(store.load().await.unwrap(), [mapping(0)]);
        drop(in_the_way);
        for put in puts {
            put.await.unwrap().unwrap();
        }
        // One for those that the writer found first, one for the rest.
        assert!(store.transactions() <= 3, "{}", store.transactions());
        assert_eq!(store.load().await.unwrap().len(), 65);
        drop(store);
        std::fs::remove_dir_all(&directory).unwrap();
    }
}
