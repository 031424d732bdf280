//! From records and shards as they came, or as the SDK has read them, to ours.

use std::sync::Arc;
use std::time::Duration;

use aws_sdk_kinesis::primitives::DateTime;
use aws_sdk_kinesis::types::{ChildShard, HashKeyRange, Record};
use aws_smithy_types::base64;
use bytes::Bytes;
use lambda_esm_core::fault::SourceError;
use lambda_esm_core::record::{KinesisRecord, StreamContent, StreamRecord, Unreadable};
use lambda_esm_core::time::Timestamp;
use lambda_esm_engine::ports::{Shard, ShardId};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::answers::Child;
use crate::failure::Call;
use crate::text::with_causes;
use crate::wire::without_halves;

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
    sequence_number: Arc<str>,
}

/// Returns a record as it came, at `time` by the server's clock. One that cannot be read is still a record, of
/// which no more is known than its place.
///
/// # Errors
/// Fails if it lacks its sequence number, without which nothing can be read after it.
pub(super) fn read_record(
    raw: &RawValue,
    time: Option<Timestamp>,
    call: Call<'_>,
) -> Result<StreamRecord, SourceError> {
    let json = without_halves(raw.get());
    let placed = serde_json::from_str::<Placed>(&json).ok();
    let Some(placed) = placed.filter(|placed| !placed.sequence_number.is_empty()) else {
        return Err(call.incomplete("a SequenceNumber"));
    };
    let told = serde_json::from_str::<Told>(&json);
    let read = told.map_err(|error| error.to_string()).and_then(|told| {
        let data = base64::decode(told.data.unwrap_or_default());
        let content = KinesisRecord {
            partition_key: told.partition_key.unwrap_or_default(),
            data: Bytes::from(data.map_err(|error| format!("Data: {}", with_causes(&error)))?),
        };
        let arrival = DateTime::from_secs_f64(told.approximate_arrival_timestamp);
        Ok((timestamp(arrival), StreamContent::Kinesis(content)))
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
        sequence: placed.sequence_number,
        arrival,
        content,
    })
}

/// Returns a record of an event. Fails if it lacks its number, without which nothing can be read after it, or its
/// time, without which it has no age and no window.
pub(super) fn record(record: Record, call: Call<'_>) -> Result<StreamRecord, SourceError> {
    let Some(arrival) = record.approximate_arrival_timestamp else {
        return Err(call.incomplete("an ApproximateArrivalTimestamp"));
    };
    if record.sequence_number.is_empty() {
        return Err(call.incomplete("a SequenceNumber"));
    }
    Ok(StreamRecord {
        sequence: Arc::from(record.sequence_number),
        arrival: timestamp(arrival),
        content: StreamContent::Kinesis(KinesisRecord {
            partition_key: record.partition_key.unwrap_or_default().into(),
            data: Bytes::from(record.data.into_inner()),
        }),
    })
}

/// Rounds to the millisecond: the time comes as a fraction of seconds, so that .987 may read .9869999.
pub(super) fn timestamp(time: DateTime) -> Timestamp {
    let nanos = i64::from(time.subsec_nanos());
    let millis = (nanos + 500_000) / 1_000_000;
    Timestamp(time.secs().saturating_mul(1_000).saturating_add(millis))
}

/// Returns a shard of a listing.
pub(super) fn shard(shard: aws_sdk_kinesis::types::Shard) -> Shard {
    let parents = shard.parent_shard_id.into_iter();
    let parents = parents.chain(shard.adjacent_parent_shard_id);
    // Only a closed shard has an end (Kinesis API reference, `SequenceNumberRange`).
    let range = shard.sequence_number_range;
    let closed = range.is_some_and(|range| range.ending_sequence_number.is_some());
    Shard {
        id: ShardId::new(shard.shard_id),
        parents: parents.map(ShardId::new).collect(),
        closed,
        hash_keys: shard.hash_key_range.and_then(|range| hash_keys(&range)),
    }
}

/// Returns a shard that a closed one names at its end.
pub(super) fn child(child: Child) -> Shard {
    let keys = child.hash_key_range.and_then(|range| {
        let first = range.starting_hash_key.parse().ok()?;
        Some((first, range.ending_hash_key.parse().ok()?))
    });
    Shard {
        id: ShardId::new(child.shard_id),
        parents: child.parent_shards.into_iter().map(ShardId::new).collect(),
        closed: false,
        hash_keys: keys,
    }
}

/// Returns the shards that a closed one names in its last event.
pub(super) fn children(children: Option<Vec<ChildShard>>) -> Vec<Shard> {
    let child = |child: ChildShard| Shard {
        id: ShardId::new(child.shard_id),
        parents: child.parent_shards.into_iter().map(ShardId::new).collect(),
        closed: false,
        hash_keys: child.hash_key_range.and_then(|range| hash_keys(&range)),
    };
    children
        .unwrap_or_default()
        .into_iter()
        .map(child)
        .collect()
}

fn hash_keys(range: &HashKeyRange) -> Option<(u128, u128)> {
    let first = range.starting_hash_key.parse().ok()?;
    let last = range.ending_hash_key.parse().ok()?;
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
