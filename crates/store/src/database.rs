//! The open file, and opening it anew after a failure.

use std::{
    path::{Path, PathBuf},
    sync::{
        PoisonError, RwLock, RwLockWriteGuard,
        atomic::{AtomicU64, Ordering},
    },
};

use lambda_esm_engine::store::StoreError;
use redb::Database;

use crate::{failure, open};

/// What the writer and the readers share.
#[derive(Debug)]
pub(crate) struct SharedDatabase {
    path: PathBuf,
    transactions: AtomicU64,
    /// Locked shared by whoever works with it; taken away by who closes, and by a failure.
    database: RwLock<Option<Database>>,
}

impl SharedDatabase {
    /// Shares `database`, which is open at `path`.
    pub(crate) fn new(database: Database, path: PathBuf) -> Self {
        Self {
            path,
            transactions: AtomicU64::new(0),
            database: RwLock::new(Some(database)),
        }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Transactions made durable so far.
    pub(crate) fn transactions(&self) -> u64 {
        self.transactions.load(Ordering::Relaxed)
    }

    /// One more is durable.
    pub(crate) fn count_transaction(&self) {
        self.transactions.fetch_add(1, Ordering::Relaxed);
    }

    /// Works with the database, which stays open meanwhile.
    pub(crate) fn with<T>(
        &self,
        work: impl FnOnce(&Database) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let database = self.database.read().unwrap_or_else(PoisonError::into_inner);
        match &*database {
            Some(database) => work(database),
            None => Err(failure::stopped(&self.path)),
        }
    }

    /// Opens the file anew: after a failed write, redb takes no more.
    pub(crate) fn reopen(&self) -> Result<(), StoreError> {
        let mut database = self.take();
        // Closing fails after such a failure, and leaves the file to the check on opening.
        drop(database.take());
        *database = Some(open::open_existing(&self.path)?);
        Ok(())
    }

    /// Closes the file, once nobody works with it any more.
    pub(crate) fn close(&self) -> Result<(), redb::DatabaseError> {
        let database = self.take().take();
        database.map_or(Ok(()), Database::close)
    }

    /// Waits for everybody at work, and keeps others out.
    fn take(&self) -> RwLockWriteGuard<'_, Option<Database>> {
        self.database
            .write()
            .unwrap_or_else(PoisonError::into_inner)
    }
}
