//! What the file holds: three tables.
//!
//! | table | key | value |
//! |---|---|---|
//! | `format` | `()` | version, counted up with every change that an older program cannot read |
//! | `mappings` | UUID | the [record](StoredMapping::record) as it is |
//! | `positions` | UUID, partition | JSON: the [record](StoredCheckpoint::record) and its fence |
//!
//! Files of the format before are brought up to date when they are opened: see [`crate::upgrade`].

use std::path::Path;

use lambda_esm_engine::store::{StoreError, StoredCheckpoint, StoredMapping};
use redb::{
    Database, ReadTransaction, ReadableDatabase, ReadableTable, Table, TableDefinition, TableError,
    WriteTransaction,
};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::failure;

/// The version that this program writes, and the highest that it reads.
pub(crate) const VERSION: u64 = 2;

/// The oldest version that this program reads.
pub(crate) const OLDEST: u64 = 1;

pub(crate) type CheckpointKey = (u128, &'static str);

pub(crate) const FORMAT: TableDefinition<'_, (), u64> = TableDefinition::new("format");
const MAPPINGS: TableDefinition<'_, u128, &[u8]> = TableDefinition::new("mappings");
pub(crate) const CHECKPOINTS: TableDefinition<'_, CheckpointKey, &[u8]> =
    TableDefinition::new("positions");

/// What is kept of a checkpoint beside its key.
#[derive(Serialize, Deserialize)]
pub(crate) struct CheckpointRow {
    record: String,
    fence: u64,
}

impl CheckpointRow {
    pub(crate) const fn new(record: String, fence: u64) -> Self {
        Self { record, fence }
    }
}

/// Begins a transaction that survives damage to its own root: see [`crate::staged`].
pub(crate) fn begin(database: &Database) -> Result<WriteTransaction, redb::Error> {
    let mut transaction = database.begin_write()?;
    // With one phase, redb falls back to the transaction before when it finds the last one
    // damaged. With two it says so.
    transaction.set_two_phase_commit(true);
    Ok(transaction)
}

/// Makes the tables in a new database.
pub(crate) fn make(database: &Database) -> Result<(), redb::Error> {
    let transaction = begin(database)?;
    transaction.open_table(FORMAT)?.insert((), VERSION)?;
    transaction.open_table(MAPPINGS)?;
    transaction.open_table(CHECKPOINTS)?;
    transaction.commit()?;
    Ok(())
}

/// Refuses a database of another format, or one with a value that cannot be read.
pub(crate) fn check(database: &Database, path: &Path) -> Result<(), StoreError> {
    let reader = Reader::begin(database, path)?;
    match reader.version()? {
        VERSION => {}
        // Its checkpoints are for `crate::upgrade` to check.
        OLDEST => return reader.mappings().map(drop),
        found if found > VERSION => {
            return Err(StoreError::Newer {
                found,
                supported: VERSION,
            });
        }
        found => return Err(failure::corrupt(path, &format!("format {found}"))),
    }
    reader.mappings()?;
    reader.all_checkpoints()
}

/// One view of the database, unmoved by later transactions.
pub(crate) struct Reader<'a> {
    transaction: ReadTransaction,
    path: &'a Path,
}

impl<'a> Reader<'a> {
    pub(crate) fn begin(database: &Database, path: &'a Path) -> Result<Self, StoreError> {
        let transaction = database
            .begin_read()
            .map_err(|error| failure::running(path, error.into()))?;
        Ok(Self { transaction, path })
    }

    pub(crate) fn version(&self) -> Result<u64, StoreError> {
        let table = self
            .transaction
            .open_table(FORMAT)
            .map_err(|error| self.table(error))?;
        let version = table
            .get(())
            .map_err(|error| failure::running(self.path, error.into()))?;
        version
            .map(|version| version.value())
            .ok_or_else(|| failure::corrupt(self.path, "no format version"))
    }

    pub(crate) fn mappings(&self) -> Result<Vec<StoredMapping>, StoreError> {
        let table = self
            .transaction
            .open_table(MAPPINGS)
            .map_err(|error| self.table(error))?;
        let rows = table.iter().map_err(|error| self.storage(error))?;
        rows.map(|row| {
            let (key, value) = row.map_err(|error| self.storage(error))?;
            let record = std::str::from_utf8(value.value())
                .map_err(|error| failure::corrupt(self.path, &error.to_string()))?;
            Ok(StoredMapping::new(Uuid::from_u128(key.value()), record))
        })
        .collect()
    }

    pub(crate) fn checkpoints(&self, mapping: Uuid) -> Result<Vec<StoredCheckpoint>, StoreError> {
        let mut checkpoints = Vec::new();
        self.each_checkpoint(mapping.as_u128(), |owner, partition, row: CheckpointRow| {
            let is_its = owner == mapping.as_u128();
            if is_its {
                let CheckpointRow { record, fence } = row;
                checkpoints.push(StoredCheckpoint::new(mapping, partition, record, fence));
            }
            is_its
        })?;
        Ok(checkpoints)
    }

    fn all_checkpoints(&self) -> Result<(), StoreError> {
        self.each_checkpoint(0, |_, _, _: CheckpointRow| true)
    }

    /// Visits the checkpoints of a mapping and of those after it, until `visit` has seen enough.
    pub(crate) fn each_checkpoint<T: DeserializeOwned>(
        &self,
        from: u128,
        mut visit: impl FnMut(u128, &str, T) -> bool,
    ) -> Result<(), StoreError> {
        let table = self
            .transaction
            .open_table(CHECKPOINTS)
            .map_err(|error| self.table(error))?;
        let rows = table
            .range((from, "")..)
            .map_err(|error| self.storage(error))?;
        for row in rows {
            let (key, value) = row.map_err(|error| self.storage(error))?;
            let (mapping, partition) = key.value();
            if !visit(mapping, partition, decode(value.value(), self.path)?) {
                break;
            }
        }
        Ok(())
    }

    fn storage(&self, error: redb::StorageError) -> StoreError {
        failure::running(self.path, error.into())
    }

    fn table(&self, error: TableError) -> StoreError {
        match error {
            TableError::Storage(error) => self.storage(error),
            error => failure::corrupt(self.path, &error.to_string()),
        }
    }
}

/// A change, with its values already encoded.
pub(crate) enum Change {
    Put {
        mapping: Uuid,
        value: Vec<u8>,
    },
    Remove(Uuid),
    Forget {
        mapping: Uuid,
        partitions: Vec<String>,
    },
    Commit(Vec<(StoredCheckpoint, Vec<u8>)>),
}

/// The tables of one transaction.
pub(crate) struct Tables<'a> {
    mappings: Table<'a, u128, &'static [u8]>,
    checkpoints: Table<'a, CheckpointKey, &'static [u8]>,
    path: &'a Path,
}

impl<'a> Tables<'a> {
    pub(crate) fn open(
        transaction: &'a WriteTransaction,
        path: &'a Path,
    ) -> Result<Self, redb::Error> {
        Ok(Self {
            mappings: transaction.open_table(MAPPINGS)?,
            checkpoints: transaction.open_table(CHECKPOINTS)?,
            path,
        })
    }

    /// Makes a change, and tells whether it was allowed to.
    ///
    /// # Errors
    ///
    /// Spoils the transaction.
    pub(crate) fn apply(&mut self, change: &Change) -> Result<Result<(), StoreError>, StoreError> {
        let path = self.path;
        let failed = |error: redb::StorageError| failure::running(path, error.into());
        match change {
            Change::Put { mapping, value } => {
                self.mappings
                    .insert(mapping.as_u128(), value.as_slice())
                    .map_err(failed)?;
            }
            Change::Remove(mapping) => {
                let mapping = mapping.as_u128();
                self.mappings.remove(mapping).map_err(failed)?;
                let keys: Vec<String> = self.partitions(mapping).map_err(failed)?;
                for partition in keys {
                    self.checkpoints
                        .remove((mapping, partition.as_str()))
                        .map_err(failed)?;
                }
            }
            Change::Forget {
                mapping,
                partitions,
            } => {
                for partition in partitions {
                    self.checkpoints
                        .remove((mapping.as_u128(), partition.as_str()))
                        .map_err(failed)?;
                }
            }
            Change::Commit(checkpoints) => {
                for (checkpoint, _) in checkpoints {
                    if self.fence(checkpoint)? > checkpoint.fence {
                        return Ok(Err(StoreError::Fenced(checkpoint.partition.clone())));
                    }
                }
                for (checkpoint, value) in checkpoints {
                    let key = (checkpoint.mapping.as_u128(), checkpoint.partition.as_str());
                    self.checkpoints
                        .insert(key, value.as_slice())
                        .map_err(failed)?;
                }
            }
        }
        Ok(Ok(()))
    }

    fn partitions(&self, mapping: u128) -> Result<Vec<String>, redb::StorageError> {
        let mut partitions = Vec::new();
        for row in self.checkpoints.range((mapping, "")..)? {
            let (key, _) = row?;
            let (owner, partition) = key.value();
            if owner != mapping {
                break;
            }
            partitions.push(partition.to_owned());
        }
        Ok(partitions)
    }

    fn fence(&self, checkpoint: &StoredCheckpoint) -> Result<u64, StoreError> {
        let key = (checkpoint.mapping.as_u128(), checkpoint.partition.as_str());
        let kept = self
            .checkpoints
            .get(key)
            .map_err(|error| failure::running(self.path, error.into()))?;
        kept.map_or(Ok(0), |kept| {
            decode::<CheckpointRow>(kept.value(), self.path).map(|kept| kept.fence)
        })
    }
}

fn decode<T: DeserializeOwned>(value: &[u8], path: &Path) -> Result<T, StoreError> {
    serde_json::from_slice(value).map_err(|error| failure::corrupt(path, &error.to_string()))
}
