//! Words for what can go wrong.

use std::{io, path::Path};

use lambda_esm_engine::store::StoreError;
use redb::{DatabaseError, StorageError};

/// Why a file could not be opened, naming the file and the way out.
pub(crate) fn opening(path: &Path, error: DatabaseError) -> StoreError {
    match error {
        DatabaseError::DatabaseAlreadyOpen => StoreError::Locked(path.display().to_string()),
        DatabaseError::Storage(StorageError::Corrupted(what)) => corrupt(path, &what),
        DatabaseError::Storage(StorageError::Io(error))
            if matches!(
                error.kind(),
                io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof
            ) =>
        {
            corrupt(path, &error.to_string())
        }
        DatabaseError::Storage(StorageError::Io(error)) => io_at(path, "open", &error),
        error @ (DatabaseError::UpgradeRequired(_) | DatabaseError::RepairAborted) => {
            corrupt(path, &error.to_string())
        }
        error => io_at(path, "open", &io::Error::other(error.to_string())),
    }
}

/// The file is not as this program wrote it.
pub(crate) fn corrupt(path: &Path, what: &str) -> StoreError {
    StoreError::Corrupt(format!(
        "state file {} is damaged, or is no state file of lambda-esm ({what}); it was left as it is: \
         restore it from a backup, or move it away to start without mappings and checkpoints",
        path.display()
    ))
}

/// An operation on a path failed.
pub(crate) fn io_at(path: &Path, doing: &str, error: &io::Error) -> StoreError {
    StoreError::Io(format!("cannot {doing} {}: {error}", path.display()))
}

/// Reading or writing an open file failed.
pub(crate) fn running(path: &Path, error: redb::Error) -> StoreError {
    match error {
        redb::Error::Corrupted(what) => corrupt(path, &what),
        redb::Error::Io(error) => io_at(path, "use", &error),
        redb::Error::PreviousIo | redb::Error::DatabaseClosed => stopped(path),
        error => io_at(path, "use", &io::Error::other(error.to_string())),
    }
}

/// The file is closed after a failure that somebody else was told of.
pub(crate) fn stopped(path: &Path) -> StoreError {
    StoreError::Io(format!(
        "cannot use {}: an earlier failure closed it; see to the disk, and try again",
        path.display()
    ))
}
