//! The port through which mappings and checkpoints outlive the process.

use async_trait::async_trait;
use uuid::Uuid;

/// A mapping as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct StoredMapping {
    /// The mapping: the key.
    pub uuid: Uuid,
    /// All that is kept of it, as text that only an engine reads. It tells its version, and grows with the number of
    /// settings and tags: some 100 KB at most.
    pub record: String,
}

impl StoredMapping {
    /// Returns a mapping as it was kept.
    pub fn new(uuid: Uuid, record: impl Into<String>) -> Self {
        Self {
            uuid,
            record: record.into(),
        }
    }
}

/// How far a mapping has come in one partition of its source.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct StoredCheckpoint {
    /// The mapping: the first part of the key.
    pub mapping: Uuid,
    /// The partition, a shard, or a topic and partition: the second part of the key.
    pub partition: String,
    /// How far it is settled, as text that only an engine reads. It tells its version, and may hold the state of a
    /// tumbling window: 1 MB and little more at most.
    pub record: String,
    /// The fencing counter of the lease under which this was written.
    pub fence: u64,
}

impl StoredCheckpoint {
    /// Returns a checkpoint as it was kept.
    pub fn new(
        mapping: Uuid,
        partition: impl Into<String>,
        record: impl Into<String>,
        fence: u64,
    ) -> Self {
        Self {
            mapping,
            partition: partition.into(),
            record: record.into(),
            fence,
        }
    }
}

/// Why a store cannot do what it was asked to.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// Another process, or another handle, has the store open.
    #[error("{0} is in use by another lambda-esm; stop it, or give each its own state_dir")]
    Locked(String),
    /// What is there is damaged, or is no store at all.
    #[error("{0}")]
    Corrupt(String),
    /// The store was written by a later version.
    #[error(
        "the store has format {found}, and this version reads up to {supported}; use the later version"
    )]
    Newer {
        /// The format found.
        found: u64,
        /// The latest format that this version knows.
        supported: u64,
    },
    /// The checkpoint was written under a later lease; this one is lost.
    #[error("the lease on {0} was taken over")]
    Fenced(String),
    /// The disk or the system refused.
    #[error("{0}")]
    Io(String),
}

/// Keeps mappings and checkpoints. One process at a time owns a store, and calls it from many tasks at once.
///
/// All that is kept comes back as it was given: any text, any partition, any fence. A change is durable when its
/// call returns `Ok`. A call whose future is dropped is done as a whole or not at all, then or later, and stops no
/// other one; an error of another kind than [`Fenced`](StoreError::Fenced) leaves it open whether it was done.
///
/// The feature `contract` has these promises as a test, `contract::store_contract`.
#[async_trait]
pub trait Store: Send + Sync + 'static {
    /// Returns all mappings, each once, in any order.
    async fn load(&self) -> Result<Vec<StoredMapping>, StoreError>;

    /// Keeps a mapping, in place of the one with its UUID, whose checkpoints stay. Durable when it returns.
    async fn put(&self, mapping: StoredMapping) -> Result<(), StoreError>;

    /// Forgets a mapping, its checkpoints and their fences. Durable when it returns; no error if there is none.
    async fn remove(&self, mapping: Uuid) -> Result<(), StoreError>;

    /// Returns the checkpoints of a mapping, one for each partition, in any order; none if there is no such mapping.
    async fn checkpoints(&self, mapping: Uuid) -> Result<Vec<StoredCheckpoint>, StoreError>;

    /// Keeps checkpoints in place of those of the same mappings and partitions, all or none, however many they are.
    /// No two are of one partition. Durable when it returns.
    ///
    /// Fails with [`StoreError::Fenced`] if one of them is kept already under a higher fence, whoever else commits at
    /// the same time; the same fence is accepted. No error if a mapping is not there, since it may have been removed
    /// while its last batches ended; what the store keeps then, the next removal forgets.
    async fn commit(&self, checkpoints: Vec<StoredCheckpoint>) -> Result<(), StoreError>;

    /// Forgets the checkpoints of a mapping, and their fences, in partitions that its source has no more. Durable when
    /// it returns; no error if there are none. A store that does not forget them, as this default, does no harm
    /// but grows.
    async fn forget(&self, mapping: Uuid, partitions: Vec<String>) -> Result<(), StoreError> {
        let _ = (mapping, partitions);
        Ok(())
    }
}
