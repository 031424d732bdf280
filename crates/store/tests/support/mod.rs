//! Mappings, checkpoints, and a directory that goes when its owner does.

use std::path::{Path, PathBuf};

use lambda_esm_core::mapping::CreateEventSourceMapping;
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

/// A mapping whose every kind of member is used.
pub(crate) fn mapping(number: u128) -> StoredMapping {
    let request: CreateEventSourceMapping = serde_json::from_value(serde_json::json!({
        "EventSourceArn": format!("arn:aws:kinesis:eu-central-1:123456789012:stream/s{number}"),
        "FunctionName": "f",
        "Enabled": true,
        "BatchSize": 100,
        "StartingPosition": "AT_TIMESTAMP",
        "StartingPositionTimestamp": 1_735_689_600.123_f64,
        "FilterCriteria": {"Filters": [{"Pattern": "{\"data\":{\"a\":[1]}}"}]},
        "Tags": {"team": "blue"},
    }))
    .unwrap();
    StoredMapping {
        uuid: Uuid::from_u128(number),
        request,
        created: 1_700_000_000_000,
        last_modified: 1_700_000_000_001,
        origin: number
            .is_multiple_of(2)
            .then(|| format!("kinesis/{number}")),
    }
}

/// A checkpoint.
pub(crate) fn checkpoint(
    mapping: u128,
    partition: &str,
    checkpoint: u64,
    fence: u64,
) -> StoredCheckpoint {
    StoredCheckpoint {
        mapping: Uuid::from_u128(mapping),
        partition: partition.to_owned(),
        checkpoint: checkpoint.to_string(),
        source_identity: "2026-01-01T00:00:00Z".to_owned(),
        fence,
    }
}
