//! What is read of the answers of Kinesis (Kinesis API reference).

use lambda_esm_core::stream::MOST_SHARDS;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::stream::LIMIT;
use crate::few::{Few, Lenient, Name, Token};

/// The records of one event of a subscription, which the API reference does not limit.
const RECORDS: usize = 100_000;
/// The children of a shard, of which a split makes two, and the parents, of which a merge has two.
const RELATIVES: usize = 100;

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

/// Of `ListShards`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Listed {
    pub(super) shards: Option<Few<Told, MOST_SHARDS>>,
    pub(super) next_token: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Told {
    pub(super) shard_id: Name,
    pub(super) parent_shard_id: Option<Name>,
    pub(super) adjacent_parent_shard_id: Option<Name>,
    #[serde(default)]
    pub(super) hash_key_range: Lenient<HashKeys>,
    pub(super) sequence_number_range: Option<Range>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Range {
    /// Only a closed shard has an end (API reference, `SequenceNumberRange`).
    pub(super) ending_sequence_number: Option<Name>,
}

/// Of `GetRecords`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Read<'a> {
    /// Each is read by itself, so that one which cannot be read leaves the others alone.
    #[serde(borrow)]
    pub(super) records: Few<&'a RawValue, LIMIT>,
    pub(super) next_shard_iterator: Option<Token>,
    #[serde(default)]
    pub(super) millis_behind_latest: Lenient<i64>,
    pub(super) child_shards: Option<Few<Child, RELATIVES>>,
}

/// An event of `SubscribeToShard`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Event<'a> {
    #[serde(borrow)]
    pub(super) records: Few<&'a RawValue, RECORDS>,
    pub(super) continuation_sequence_number: Option<Name>,
    #[serde(default)]
    pub(super) millis_behind_latest: Lenient<i64>,
    pub(super) child_shards: Option<Few<Child, RELATIVES>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Child {
    pub(super) shard_id: Name,
    pub(super) parent_shards: Few<Name, RELATIVES>,
    #[serde(default)]
    pub(super) hash_key_range: Lenient<HashKeys>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct HashKeys {
    pub(super) starting_hash_key: Name,
    pub(super) ending_hash_key: Name,
}
