//! Brings a file of format 1 up to date: there a checkpoint's members stood beside its fence, and are now its record.
//!
//! A mapping's record is what was kept of it before.

use std::path::Path;

use lambda_esm_engine::store::StoreError;
use redb::Database;
use serde::Deserialize;

use crate::failure;
use crate::schema::{self, CHECKPOINTS, CheckpointRow, FORMAT, Reader, VERSION};

/// A checkpoint of format 1.
#[derive(Deserialize)]
struct OldCheckpoint {
    position: String,
    source_identity: String,
    fence: u64,
}

impl From<OldCheckpoint> for CheckpointRow {
    fn from(old: OldCheckpoint) -> Self {
        let record = serde_json::json!({
            "position": old.position,
            "source_identity": old.source_identity,
        });
        Self::new(record.to_string(), old.fence)
    }
}

/// Checks that a file of format 1, if it is one, can be brought up to date.
pub(crate) fn check(database: &Database, path: &Path) -> Result<(), StoreError> {
    let reader = Reader::begin(database, path)?;
    if reader.version()? == VERSION {
        return Ok(());
    }
    reader.each_checkpoint(0, |_, _, _: OldCheckpoint| true)
}

/// Brings a file that was checked up to date, unless it is; all of it or nothing.
pub(crate) fn upgrade(database: &Database, path: &Path) -> Result<(), StoreError> {
    let reader = Reader::begin(database, path)?;
    if reader.version()? == VERSION {
        return Ok(());
    }
    let mut rows = Vec::new();
    reader.each_checkpoint(0, |mapping, partition, old: OldCheckpoint| {
        rows.push((mapping, partition.to_owned(), CheckpointRow::from(old)));
        true
    })?;
    drop(reader);
    write(database, &rows).map_err(|error| failure::running(path, error))
}

fn write(database: &Database, rows: &[(u128, String, CheckpointRow)]) -> Result<(), redb::Error> {
    let transaction = schema::begin(database)?;
    {
        let mut checkpoints = transaction.open_table(CHECKPOINTS)?;
        for (mapping, partition, row) in rows {
            let value = serde_json::to_vec(row).map_err(std::io::Error::from)?;
            checkpoints.insert((*mapping, partition.as_str()), value.as_slice())?;
        }
        transaction.open_table(FORMAT)?.insert((), VERSION)?;
    }
    transaction.commit()?;
    Ok(())
}
