//! What an in-memory topic is like.

use std::time::Duration;

use lambda_esm_core::setters;

use lambda_esm_core::record::TimestampType;

/// Properties of a [`MemoryTopic`](super::MemoryTopic).
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct MemoryTopicOptions {
    /// How many partitions there are at first; at least 1.
    pub partitions: usize,
    /// The age at which a record is deleted, by its timestamp, once all that are older in its partition are (Kafka:
    /// `retention.ms`, 7 days by default).
    pub retention: Duration,
    /// What the timestamps of records mean. With log-append time, the one that a producer gives does not count.
    pub timestamp_type: TimestampType,
    /// How long the group waits for partitions that it asked for (Kafka: `max.poll.interval.ms`, 5 minutes by default).
    pub revoke_bound: Duration,
}

impl Default for MemoryTopicOptions {
    fn default() -> Self {
        Self {
            partitions: 1,
            retention: Duration::from_secs(7 * 24 * 60 * 60),
            timestamp_type: TimestampType::CreateTime,
            revoke_bound: Duration::from_secs(5 * 60),
        }
    }
}

setters!(MemoryTopicOptions {
    with_partitions sets partitions: usize,
    with_retention sets retention: Duration,
    with_timestamp_type sets timestamp_type: TimestampType,
    with_revoke_bound sets revoke_bound: Duration,
});
