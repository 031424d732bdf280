//! Aggregated records of the Kinesis Producer Library, taken apart (Lambda developer guide, "Using Lambda with Kinesis":
//! for enhanced fan-out consumers).

use super::config::StreamConfig;
use crate::kpl;
use crate::record::{KinesisRecord, StreamContent, StreamRecord};

/// Returns the user records of an aggregated record; `None` if it is not one, or is to be delivered as it is. Those
/// whose key does not belong to the shard are left out (they are dropped silently, the guide says).
pub(super) fn user_records(
    config: &StreamConfig,
    hash_keys: Option<(u128, u128)>,
    record: &StreamRecord,
) -> Option<Vec<StreamRecord>> {
    let StreamContent::Kinesis(kinesis) = &record.content else {
        return None;
    };
    if !config.deaggregate {
        return None;
    }
    let users = kpl::deaggregate(&kinesis.data)?;
    let (first, last) = hash_keys.unwrap_or((0, u128::MAX));
    let belongs = |user: &kpl::UserRecord| (first..=last).contains(&user.hash_key);
    let records = users.into_iter().filter(belongs).map(|user| StreamRecord {
        sequence: record.sequence.clone(),
        arrival: record.arrival,
        content: StreamContent::Kinesis(KinesisRecord {
            partition_key: user.partition_key,
            data: user.data,
        }),
    });
    Some(records.collect())
}
