//! What is read of the answers of DynamoDB Streams (DynamoDB Streams API reference).

use lambda_esm_core::stream::MOST_SHARDS;
use lambda_esm_core::time::Timestamp;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::stream::FETCH_LIMIT;
use crate::few::{Few, Name, Token};

/// Of `DescribeStream`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Described {
    pub(super) stream_description: Option<Description>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Description {
    /// When the answer was given, by the server's clock.
    #[serde(skip)]
    pub(super) told: Option<Timestamp>,
    /// In seconds.
    pub(super) creation_request_date_time: Option<f64>,
    pub(super) shards: Option<Few<Shard, MOST_SHARDS>>,
    pub(super) last_evaluated_shard_id: Option<Name>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Shard {
    pub(super) shard_id: Option<Name>,
    pub(super) parent_shard_id: Option<Name>,
    pub(super) sequence_number_range: Option<Range>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Range {
    pub(super) ending_sequence_number: Option<Name>,
}

/// Of `GetShardIterator`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Opened {
    pub(super) shard_iterator: Option<Token>,
}

/// Of `GetRecords`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Read<'a> {
    /// Each is read by itself, so that one which cannot be read leaves the others alone.
    #[serde(borrow)]
    pub(super) records: Few<&'a RawValue, FETCH_LIMIT>,
    pub(super) next_shard_iterator: Option<Token>,
}
