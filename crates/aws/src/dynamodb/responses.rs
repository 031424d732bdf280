//! What is read of the responses of DynamoDB Streams (DynamoDB Streams API reference).

use lambda_esm_core::stream::MOST_SHARDS;
use lambda_esm_core::time::Timestamp;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::json::{LimitedList, Name, Token};
use crate::shard_records::SequenceNumberRange;

/// The most records of one fetch (DynamoDB Streams API reference, `GetRecords`).
pub(super) const FETCH_LIMIT: usize = 1_000;

/// Of `DescribeStream`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct DescribeStreamResponse {
    pub(super) stream_description: Option<StreamDescription>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct StreamDescription {
    /// When the response was given, by the server's clock.
    #[serde(skip)]
    pub(super) time: Option<Timestamp>,
    /// In seconds.
    pub(super) creation_request_date_time: Option<f64>,
    pub(super) shards: Option<LimitedList<DescribedShard, MOST_SHARDS>>,
    pub(super) last_evaluated_shard_id: Option<Name>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct DescribedShard {
    pub(super) shard_id: Option<Name>,
    pub(super) parent_shard_id: Option<Name>,
    pub(super) sequence_number_range: Option<SequenceNumberRange>,
}

/// Of `GetShardIterator`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct GetShardIteratorResponse {
    pub(super) shard_iterator: Option<Token>,
}

/// Of `GetRecords`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct GetRecordsResponse<'a> {
    /// Each is read by itself, so that one which cannot be read leaves the others alone.
    #[serde(borrow)]
    pub(super) records: LimitedList<&'a RawValue, FETCH_LIMIT>,
    pub(super) next_shard_iterator: Option<Token>,
}
