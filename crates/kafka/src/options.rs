//! What may be set about clients.

use std::time::Duration;

use lambda_esm_core::setters;

/// Which protocol members and the group's coordinator speak.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum GroupProtocol {
    /// The classic one, with the cooperative-sticky assignor: partitions that stay are read on during a rebalance.
    /// All members of a group need an assignor in common.
    #[default]
    Classic,
    /// That of KIP-848, where the coordinator assigns (Kafka 4.0 and newer).
    Consumer,
}

/// Which records of transactions are read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Isolation {
    /// Those of committed ones, and nothing beyond the first open one.
    #[default]
    ReadCommitted,
    /// All, also those of aborted ones.
    ReadUncommitted,
}

/// Settings of the clients of a topic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct KafkaOptions {
    /// The group's protocol.
    pub group_protocol: GroupProtocol,
    /// Which records of transactions are read.
    pub isolation: Isolation,
    /// How long the group waits for partitions that it asked for.
    pub revoke_bound: Duration,
    /// How long the group waits for a member that says nothing, with [`GroupProtocol::Classic`]: the time until the
    /// partitions of a member that crashed are read by others. Brokers allow 6 s and more
    /// (`group.min.session.timeout.ms`).
    pub session_timeout: Duration,
    /// About how much is read ahead of each partition, in KiB; up to twice that is held.
    pub prefetch_kib: u32,
}

impl Default for KafkaOptions {
    fn default() -> Self {
        Self {
            group_protocol: GroupProtocol::default(),
            isolation: Isolation::default(),
            revoke_bound: Duration::from_secs(5),
            session_timeout: Duration::from_secs(6),
            prefetch_kib: 512,
        }
    }
}

setters!(KafkaOptions {
    with_group_protocol sets group_protocol: GroupProtocol,
    with_isolation sets isolation: Isolation,
    with_revoke_bound sets revoke_bound: Duration,
    with_session_timeout sets session_timeout: Duration,
    with_prefetch_kib sets prefetch_kib: u32,
});
