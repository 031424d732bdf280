//! How a machine names its shards.

/// Names a shard within its machine: one that is let go and comes back has another key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct ShardKey(pub(super) u32);
