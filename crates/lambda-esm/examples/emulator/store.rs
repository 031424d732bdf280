//! Mappings and checkpoints in one JSON file, which each change writes anew.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::PathBuf;
use std::sync::Arc;

use lambda_esm::async_trait::async_trait;
use lambda_esm::store::{Store, StoreError, StoredCheckpoint, StoredMapping};
use lambda_esm::uuid::Uuid;
use serde::{Deserialize, Serialize};
use tokio::sync::Mutex;

/// What the file holds. The records are texts of the engine.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
struct Contents {
    mappings: BTreeMap<Uuid, Kept>,
}

#[derive(Clone, Debug, Default, Deserialize, Serialize)]
struct Kept {
    /// `None` if only checkpoints were kept.
    record: Option<String>,
    checkpoints: BTreeMap<String, Checkpoint>,
}

#[derive(Clone, Debug, Deserialize, Serialize)]
struct Checkpoint {
    record: String,
    fence: u64,
}

pub(crate) struct FileStore {
    path: PathBuf,
    contents: Arc<Mutex<Contents>>,
}

fn failed(error: impl ToString) -> StoreError {
    StoreError::Io(error.to_string())
}

impl FileStore {
    pub(crate) fn open(path: PathBuf) -> Result<Self, StoreError> {
        let contents = match fs::read(&path) {
            Ok(bytes) => serde_json::from_slice(&bytes)
                .map_err(|error| StoreError::Corrupt(error.to_string()))?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Contents::default(),
            Err(error) => return Err(failed(error)),
        };
        Ok(Self {
            path,
            contents: Arc::new(Mutex::new(contents)),
        })
    }

    /// Makes a change, and returns when it is on the disk. It is made whole though nobody waits for it any more.
    async fn change(
        &self,
        change: impl FnOnce(&mut Contents) -> Result<(), StoreError> + Send + 'static,
    ) -> Result<(), StoreError> {
        let (path, mut contents) = (self.path.clone(), self.contents.clone().lock_owned().await);
        let written = tokio::task::spawn_blocking(move || {
            let mut changed = contents.clone();
            change(&mut changed)?;
            let draft = path.with_extension("draft");
            let mut file = File::create(&draft).map_err(failed)?;
            file.write_all(&serde_json::to_vec(&changed).map_err(failed)?)
                .map_err(failed)?;
            file.sync_all().map_err(failed)?;
            fs::rename(&draft, &path).map_err(failed)?;
            *contents = changed;
            Ok(())
        });
        written.await.map_err(failed)?
    }
}

#[async_trait]
impl Store for FileStore {
    async fn load(&self) -> Result<Vec<StoredMapping>, StoreError> {
        let contents = self.contents.lock().await;
        let mappings = contents.mappings.iter();
        let mappings = mappings.filter_map(|(uuid, kept)| {
            let record = kept.record.clone()?;
            Some(StoredMapping::new(*uuid, record))
        });
        Ok(mappings.collect())
    }

    async fn put(&self, mapping: StoredMapping) -> Result<(), StoreError> {
        self.change(move |contents| {
            let kept = contents.mappings.entry(mapping.uuid).or_default();
            kept.record = Some(mapping.record);
            Ok(())
        })
        .await
    }

    async fn remove(&self, mapping: Uuid) -> Result<(), StoreError> {
        self.change(move |contents| {
            contents.mappings.remove(&mapping);
            Ok(())
        })
        .await
    }

    async fn checkpoints(&self, mapping: Uuid) -> Result<Vec<StoredCheckpoint>, StoreError> {
        let contents = self.contents.lock().await;
        let kept = contents.mappings.get(&mapping).into_iter();
        let checkpoints = kept.flat_map(|kept| &kept.checkpoints);
        let checkpoints = checkpoints.map(|(partition, checkpoint)| {
            StoredCheckpoint::new(mapping, partition, &checkpoint.record, checkpoint.fence)
        });
        Ok(checkpoints.collect())
    }

    async fn commit(&self, checkpoints: Vec<StoredCheckpoint>) -> Result<(), StoreError> {
        self.change(move |contents| {
            for new in checkpoints {
                let kept = contents.mappings.entry(new.mapping).or_default();
                let known = kept.checkpoints.get(&new.partition);
                if known.is_some_and(|known| known.fence > new.fence) {
                    // Nothing of a failed change is written.
                    return Err(StoreError::Fenced(new.partition));
                }
                let checkpoint = Checkpoint {
                    record: new.record,
                    fence: new.fence,
                };
                kept.checkpoints.insert(new.partition, checkpoint);
            }
            Ok(())
        })
        .await
    }

    async fn forget(&self, mapping: Uuid, partitions: Vec<String>) -> Result<(), StoreError> {
        self.change(move |contents| {
            if let Some(kept) = contents.mappings.get_mut(&mapping) {
                kept.checkpoints
                    .retain(|partition, _| !partitions.contains(partition));
            }
            Ok(())
        })
        .await
    }
}
