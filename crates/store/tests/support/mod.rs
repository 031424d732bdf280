//! Mappings, checkpoints, and a directory that goes when its owner does.

use std::path::{Path, PathBuf};

use lambda_esm_engine::store::{StoredCheckpoint, StoredMapping};
use uuid::Uuid;

pub(crate) struct Directory(PathBuf);

impl Directory {
    /// In memory where the system has such a place: the tests end processes, not the system, so
    /// what they see does not depend on flushes to a disk.
    pub(crate) fn new() -> Self {
        let memory = PathBuf::from("/dev/shm");
        let parent = if memory.is_dir() {
            memory
        } else {
            std::env::temp_dir()
        };
        Self(parent.join(format!("lambda-esm-store-{}", Uuid::new_v4())))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    pub(crate) fn file(&self) -> PathBuf {
        self.0.join("lambda-esm.redb")
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_dir_all(&self.0) {
            eprintln!("{}: {error}", self.0.display());
        }
    }
}

/// A mapping.
pub(crate) fn mapping(number: u128) -> StoredMapping {
    let record = serde_json::json!({
        "request": {
            "EventSourceArn": format!("arn:aws:kinesis:eu-central-1:123456789012:stream/s{number}"),
            "FunctionName": "f",
            "FilterCriteria": {"Filters": [{"Pattern": "{\"data\":{\"a\":[1]}}"}]},
        },
        "created": 1_700_000_000_000_i64,
    });
    StoredMapping::new(Uuid::from_u128(number), record.to_string())
}

/// A checkpoint.
pub(crate) fn checkpoint(
    mapping: u128,
    partition: &str,
    checkpoint: u64,
    fence: u64,
) -> StoredCheckpoint {
    let mapping = Uuid::from_u128(mapping);
    StoredCheckpoint::new(mapping, partition, checkpoint.to_string(), fence)
}
