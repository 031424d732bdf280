//! From records and shards as they came to ours.

use std::sync::Arc;
use std::time::Duration;

use aws_sdk_kinesis::primitives::DateTime;
use aws_smithy_types::base64;
use bytes::Bytes;
use lambda_esm_core::fault::SourceError;
use lambda_esm_core::record::{KinesisRecord, StreamContent, StreamRecord, Unreadable};
use lambda_esm_core::time::Timestamp;
use lambda_esm_engine::ports::{Shard, ShardId};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::answers::{Child, HashKeys, Told as ToldShard};
use crate::failure::Call;
use crate::few::{Few, Name};
use crate::text::with_causes;
use crate::wire::{CALENDAR, without_halves};

/// What is read of a record (Kinesis API reference, `Record`).
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Told {
    /// In seconds.
    approximate_arrival_timestamp: f64,
    #[serde(default)]
    partition_key: Option<Arc<str>>,
    /// In base64.
    #[serde(default)]
    data: Option<String>,
}

/// A record's place in its shard.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Placed {
    sequence_number: Name,
}

/// Returns a record as it came, at `time` by the server's clock. One that cannot be read is still a record, of
/// which no more is known than its place.
///
/// # Errors
/// Fails if it lacks its sequence number, without which nothing can be read after it.
pub(super) fn record(
    raw: &RawValue,
    time: Option<Timestamp>,
    call: Call<'_>,
) -> Result<StreamRecord, SourceError> {
    let json = without_halves(raw.get());
    let placed = serde_json::from_str::<Placed>(&json).ok();
    let Some(placed) = placed.filter(|placed| !placed.sequence_number.0.is_empty()) else {
        return Err(call.incomplete("a SequenceNumber"));
    };
    let told = serde_json::from_str::<Told>(&json);
    let read = told.map_err(|error| error.to_string()).and_then(|told| {
        let data = base64::decode(told.data.unwrap_or_default());
        let content = KinesisRecord {
            partition_key: told.partition_key.unwrap_or_default(),
            data: Bytes::from(data.map_err(|error| format!("Data: {}", with_causes(&error)))?),
        };
        let seconds = told.approximate_arrival_timestamp;
        if !CALENDAR.contains(&seconds) {
            return Err(format!(
                "ApproximateArrivalTimestamp: {seconds:e} is no time"
            ));
        }
        let arrival = timestamp(DateTime::from_secs_f64(seconds));
        Ok((arrival, StreamContent::Kinesis(content)))
    });
    let (arrival, content) = read.unwrap_or_else(|because| {
        let json = json.into_owned();
        let unreadable = Box::new(Unreadable { because, json });
        // It did not arrive later.
        (
            time.unwrap_or_default(),
            StreamContent::Unreadable(unreadable),
        )
    });
    Ok(StreamRecord {
        sequence: Arc::from(placed.sequence_number.0),
        arrival,
        content,
    })
}

/// Rounds to the millisecond: the time comes as a fraction of seconds, so that .987 may read .9869999.
pub(super) fn timestamp(time: DateTime) -> Timestamp {
    let nanos = i64::from(time.subsec_nanos());
    let millis = (nanos + 500_000) / 1_000_000;
    Timestamp(time.secs().saturating_mul(1_000).saturating_add(millis))
}

/// Returns a shard of a listing.
pub(super) fn shard(told: ToldShard) -> Shard {
    let parents = told.parent_shard_id.into_iter();
    let parents = parents.chain(told.adjacent_parent_shard_id);
    let range = told.sequence_number_range;
    Shard {
        id: ShardId::new(told.shard_id.0),
        parents: parents.map(|parent| ShardId::new(parent.0)).collect(),
        closed: range.is_some_and(|range| range.ending_sequence_number.is_some()),
        hash_keys: told.hash_key_range.0.and_then(hash_keys),
    }
}

/// Returns the shards that a closed one names at its end.
pub(super) fn children<const MOST: usize>(children: Option<Few<Child, MOST>>) -> Vec<Shard> {
    let children = children.into_iter().flat_map(|Few(children)| children);
    let shard = |child: Child| Shard {
        id: ShardId::new(child.shard_id.0),
        parents: (child.parent_shards.0.into_iter())
            .map(|parent| ShardId::new(parent.0))
            .collect(),
        closed: false,
        hash_keys: child.hash_key_range.0.and_then(hash_keys),
    };
    children.map(shard).collect()
}

fn hash_keys(range: HashKeys) -> Option<(u128, u128)> {
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
