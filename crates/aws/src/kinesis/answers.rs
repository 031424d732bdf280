//! What is read of the answers of Kinesis (Kinesis API reference).

use serde::Deserialize;
use serde_json::value::RawValue;

/// Of `DescribeStreamSummary`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Described {
    pub(super) stream_description_summary: Option<Summary>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Summary {
    /// In seconds.
    pub(super) stream_creation_timestamp: Option<f64>,
    pub(super) retention_period_hours: Option<u64>,
}

/// Of `GetRecords`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Read<'a> {
    /// Each is read by itself, so that one which cannot be read leaves the others alone.
    #[serde(borrow)]
    pub(super) records: Vec<&'a RawValue>,
    pub(super) next_shard_iterator: Option<String>,
    pub(super) millis_behind_latest: Option<i64>,
    pub(super) child_shards: Option<Vec<Child>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Child {
    pub(super) shard_id: String,
    pub(super) parent_shards: Vec<String>,
    pub(super) hash_key_range: Option<HashKeys>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct HashKeys {
    pub(super) starting_hash_key: String,
    pub(super) ending_hash_key: String,
}
