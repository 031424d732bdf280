//! From records and shards of Kinesis to ours.

use std::sync::Arc;
use std::time::Duration;

use aws_sdk_kinesis::primitives::DateTime;
use aws_smithy_types::base64;
use bytes::Bytes;
use lambda_esm_core::record::{KinesisRecord, StreamContent};
use lambda_esm_core::time::Timestamp;
use lambda_esm_engine::ports::{Shard, ShardId};
use serde::Deserialize;

use super::responses::{ChildShard, HashKeyRange, ListedShard};
use crate::json::{CALENDAR, LimitedList, Name};
use crate::shard_records::RecordFormat;
use crate::text::with_causes;

/// The records of Kinesis (Kinesis API reference, `Record`).
pub(super) static RECORD: RecordFormat = RecordFormat {
    sequence,
    missing: "a SequenceNumber",
    content,
};

fn sequence(json: &str) -> Option<Name> {
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Record {
        sequence_number: Name,
    }
    let record: Record = serde_json::from_str(json).ok()?;
    Some(record.sequence_number)
}

fn content(json: &str) -> Result<(Timestamp, StreamContent), String> {
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Record {
        /// In seconds.
        approximate_arrival_timestamp: f64,
        #[serde(default)]
        partition_key: Option<Arc<str>>,
        /// In base64.
        #[serde(default)]
        data: Option<String>,
    }
    let record: Record = serde_json::from_str(json).map_err(|error| error.to_string())?;
    let data = base64::decode(record.data.unwrap_or_default());
    let content = KinesisRecord::new(
        record.partition_key.unwrap_or_default(),
        Bytes::from(data.map_err(|error| format!("Data: {}", with_causes(&error)))?),
    );
    let seconds = record.approximate_arrival_timestamp;
    if !CALENDAR.contains(&seconds) {
        return Err(format!(
            "ApproximateArrivalTimestamp: {seconds:e} is no time"
        ));
    }
    let arrival = timestamp(DateTime::from_secs_f64(seconds));
    Ok((arrival, StreamContent::Kinesis(content)))
}

/// Rounds to the millisecond: the time comes as a fraction of seconds, so that .987 may read .9869999.
pub(super) fn timestamp(time: DateTime) -> Timestamp {
    let nanos = i64::from(time.subsec_nanos());
    let millis = (nanos + 500_000) / 1_000_000;
    Timestamp(time.secs().saturating_mul(1_000).saturating_add(millis))
}

/// Returns a shard of a listing.
pub(super) fn shard(listed: ListedShard) -> Shard {
    let parents = listed.parent_shard_id.into_iter();
    let parents = parents.chain(listed.adjacent_parent_shard_id);
    let range = listed.sequence_number_range;
    Shard::new(ShardId::new(listed.shard_id.0))
        .with_parents(parents.map(|parent| ShardId::new(parent.0)).collect())
        .with_closed(range.is_some_and(|range| range.ending_sequence_number.is_some()))
        .with_hash_keys(listed.hash_key_range.0.and_then(hash_keys))
}

/// Returns the shards that a closed one names at its end.
pub(super) fn children<const MOST: usize>(
    children: Option<LimitedList<ChildShard, MOST>>,
) -> Vec<Shard> {
    let children = children
        .into_iter()
        .flat_map(|LimitedList(children)| children);
    let shard = |child: ChildShard| {
        Shard::new(ShardId::new(child.shard_id.0))
            .with_parents(
                (child.parent_shards.0.into_iter())
                    .map(|parent| ShardId::new(parent.0))
                    .collect(),
            )
            .with_hash_keys(child.hash_key_range.0.and_then(hash_keys))
    };
    children.map(shard).collect()
}

fn hash_keys(range: HashKeyRange) -> Option<(u128, u128)> {
    let first = range.starting_hash_key.0.parse().ok()?;
    let last = range.ending_hash_key.0.parse().ok()?;
    Some((first, last))
}

/// Returns how far behind the newest record `millis` are.
pub(super) fn behind(millis: i64) -> Duration {
    Duration::from_millis(millis.max(0).unsigned_abs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_rounded_to_the_millisecond() {
        let read = |seconds| timestamp(DateTime::from_secs_f64(seconds)).millis();
        assert_eq!(read(1_545_084_650.987), 1_545_084_650_987);
        assert_eq!(read(1_795_631_764.921), 1_795_631_764_921);
        assert_eq!(read(1_545_084_650.999_9), 1_545_084_651_000);
        assert_eq!(read(1_545_084_650.0), 1_545_084_650_000);
    }
}
