//! What an engine writes into the records that a store keeps for it.

use lambda_esm_core::mapping::{ApiError, CreateEventSourceMapping, ErrorCode, Mapping};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::skip_unknown;
use crate::store::{StoredCheckpoint, StoredMapping};

/// The version of the records. It is counted up when an older engine would misunderstand them; one that only
/// finds members that it does not know passes over these.
const VERSION: u32 = 1;

const fn first() -> u32 {
    1
}

/// A mapping as it is kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct KeptMapping {
    #[serde(default = "first")]
    version: u32,
    /// All of its settings, and its tags.
    pub(crate) request: CreateEventSourceMapping,
    /// When it was made, in milliseconds since the Unix epoch.
    pub(crate) created: i64,
    /// When it was last changed, in milliseconds since the Unix epoch.
    pub(crate) last_modified: i64,
    /// Its stable identity in a configuration file; `None` if it was made through the API.
    #[serde(default)]
    pub(crate) origin: Option<String>,
    /// Why it has disabled itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) disabled_because: Option<String>,
}

/// Returns a mapping for the store.
pub(crate) fn write_mapping(mapping: &Mapping, origin: Option<&String>) -> StoredMapping {
    let kept = KeptMapping {
        version: VERSION,
        request: mapping.to_request(),
        created: mapping.created.millis(),
        last_modified: mapping.last_modified.millis(),
        origin: origin.cloned(),
        disabled_because: mapping.disabled_because.clone(),
    };
    StoredMapping::new(mapping.uuid, write(&kept))
}

/// Reads a mapping from the store.
pub(crate) fn read_mapping(stored: &StoredMapping) -> Result<KeptMapping, ApiError> {
    read(&stored.record).map_err(|why| {
        ApiError::new(
            ErrorCode::Service,
            format!("The mapping that was kept cannot be used: {why}."),
        )
    })
}

/// How far a mapping has come in one partition of its source, as it is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct KeptProgress {
    #[serde(default = "first")]
    version: u32,
    /// How far it is settled.
    #[serde(rename = "position")]
    pub(crate) checkpoint: String,
    /// The creation time or identifier of the source: a stream made anew under the same name must not be resumed
    /// at a stale place.
    pub(crate) source_identity: String,
}

/// Returns a checkpoint for the store.
pub(crate) fn write_checkpoint(
    mapping: Uuid,
    partition: String,
    checkpoint: String,
    source_identity: String,
    fence: u64,
) -> StoredCheckpoint {
    let kept = KeptProgress {
        version: VERSION,
        checkpoint,
        source_identity,
    };
    StoredCheckpoint::new(mapping, partition, write(&kept), fence)
}

/// Reads a checkpoint from the store. Fails with what is wrong with it, in words.
pub(crate) fn read_checkpoint(stored: &StoredCheckpoint) -> Result<KeptProgress, String> {
    read(&stored.record)
}

/// The part of every record that any version can read.
#[derive(Deserialize)]
struct Version {
    #[serde(default = "first")]
    version: u32,
}

/// Fails with what is wrong with a record, in words.
fn read<T: DeserializeOwned>(record: &str) -> Result<T, String> {
    let no_sense = |error: serde_json::Error| format!("its record makes no sense ({error})");
    let Version { version } = serde_json::from_str(record).map_err(no_sense)?;
    if version > VERSION {
        return Err(format!(
            "its record has version {version}, and this engine reads up to {VERSION}; use the later engine"
        ));
    }
    skip_unknown::read(record).map_err(no_sense)
}

fn write(record: &impl Serialize) -> String {
    // Neither texts nor numbers can fail to become JSON.
    serde_json::to_string(record).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_of_before_there_were_versions_are_read() {
        let record = r#"{"uuid":"00000000-0000-0000-0000-000000000000","request":{"BatchSize":7},"created":1,
            "last_modified":2,"origin":null}"#;
        let kept: KeptMapping = read(record).unwrap();
        assert_eq!((kept.request.batch_size, kept.last_modified), (Some(7), 2));
        let record = r#"{"position":"p","source_identity":"s"}"#;
        let kept: KeptProgress = read(record).unwrap();
        assert_eq!((&*kept.checkpoint, &*kept.source_identity), ("p", "s"));
    }

    #[test]
    fn a_record_is_written_as_text_that_later_versions_must_read() {
        let stored = write_checkpoint(
            Uuid::nil(),
            "0".to_owned(),
            "p".to_owned(),
            "s".to_owned(),
            3,
        );
        assert_eq!(
            stored.record,
            r#"{"version":1,"position":"p","source_identity":"s"}"#
        );
        assert_eq!(stored.fence, 3);
    }

    #[test]
    fn a_record_of_a_later_version_is_left_alone_and_said_to_be_so() {
        let why = read::<KeptProgress>(r#"{"version":2,"place":"p"}"#).unwrap_err();
        assert!(
            why.contains("version 2") && why.contains("up to 1"),
            "{why}"
        );
        let why = read::<KeptProgress>("no JSON").unwrap_err();
        assert!(why.contains("makes no sense"), "{why}");
    }
}
