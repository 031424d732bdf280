//! What an in-memory share group is like.

use std::time::Duration;

use lambda_esm_core::setters;

/// Properties of a [`MemoryShareGroup`](super::MemoryShareGroup). The defaults are those of Kafka's brokers.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct MemoryShareGroupOptions {
    /// How many partitions the topic has; at least 1. Default 1.
    pub partitions: usize,
    /// After how many deliveries a record that is released, or whose lock ends, is archived (Kafka:
    /// `share.delivery.count.limit`); at least 1. Default 5.
    pub delivery_limit: u32,
    /// How long nobody else gets a record that was delivered (Kafka: `share.record.lock.duration.ms`). Default 30 s.
    pub lock_duration: Duration,
    /// Whether locks can be renewed (Kafka: `share.renew.acknowledge.enable`). Default true.
    pub can_renew: bool,
    /// The most records that one receive returns (Kafka: `max.poll.records`). Default 500.
    pub receive_limit: usize,
}

impl Default for MemoryShareGroupOptions {
    fn default() -> Self {
        Self {
            partitions: 1,
            delivery_limit: 5,
            lock_duration: Duration::from_secs(30),
            can_renew: true,
            receive_limit: 500,
        }
    }
}

setters!(MemoryShareGroupOptions {
    with_partitions sets partitions: usize,
    with_delivery_limit sets delivery_limit: u32,
    with_lock_duration sets lock_duration: Duration,
    with_can_renew sets can_renew: bool,
    with_receive_limit sets receive_limit: usize,
});
