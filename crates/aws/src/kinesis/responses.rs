//! What is read of the responses of Kinesis (Kinesis API reference).

use lambda_esm_core::stream::MOST_SHARDS;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::json::{Lenient, LimitedList, Name, Token};
use crate::shard_records::SequenceNumberRange;

/// The most records of one `GetRecords` (Kinesis API reference).
pub(super) const FETCH_LIMIT: usize = 10_000;
/// The records of one event of a subscription, which the API reference does not limit.
const RECORDS: usize = 100_000;
/// The children of a shard, of which a split makes two, and the parents, of which a merge has two.
const RELATIVES: usize = 100;

/// Of `DescribeStreamSummary`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct DescribeStreamSummaryResponse {
    pub(super) stream_description_summary: Option<StreamSummary>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct StreamSummary {
    /// In seconds.
    pub(super) stream_creation_timestamp: Option<f64>,
    pub(super) retention_period_hours: Option<u64>,
}

/// Of `ListShards`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ListShardsResponse {
    pub(super) shards: Option<LimitedList<ListedShard, MOST_SHARDS>>,
    pub(super) next_token: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ListedShard {
    pub(super) shard_id: Name,
    pub(super) parent_shard_id: Option<Name>,
    pub(super) adjacent_parent_shard_id: Option<Name>,
    #[serde(default)]
    pub(super) hash_key_range: Lenient<HashKeyRange>,
    pub(super) sequence_number_range: Option<SequenceNumberRange>,
}

/// Of `GetRecords`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct GetRecordsResponse<'a> {
    /// Each is read by itself, so that one which cannot be read leaves the others alone.
    #[serde(borrow)]
    pub(super) records: LimitedList<&'a RawValue, FETCH_LIMIT>,
    pub(super) next_shard_iterator: Option<Token>,
    #[serde(default)]
    pub(super) millis_behind_latest: Lenient<i64>,
    pub(super) child_shards: Option<LimitedList<ChildShard, RELATIVES>>,
}

/// An event of `SubscribeToShard`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct SubscribeToShardEvent<'a> {
    #[serde(borrow)]
    pub(super) records: LimitedList<&'a RawValue, RECORDS>,
    pub(super) continuation_sequence_number: Option<Name>,
    #[serde(default)]
    pub(super) millis_behind_latest: Lenient<i64>,
    pub(super) child_shards: Option<LimitedList<ChildShard, RELATIVES>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ChildShard {
    pub(super) shard_id: Name,
    pub(super) parent_shards: LimitedList<Name, RELATIVES>,
    #[serde(default)]
    pub(super) hash_key_range: Lenient<HashKeyRange>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct HashKeyRange {
    pub(super) starting_hash_key: Name,
    pub(super) ending_hash_key: Name,
}
