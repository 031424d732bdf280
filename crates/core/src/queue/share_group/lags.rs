//! What is known of a share group's lag.

use crate::time::Timestamp;

/// How many records a share group has not yet done with; each `None` where that is not known.
#[derive(Debug, Default)]
pub(in crate::queue) struct Lags {
    /// Those of the partition that has most.
    pub(in crate::queue) max: Option<u64>,
    /// Those of all partitions.
    pub(in crate::queue) sum: Option<u64>,
    /// Whether the group is being asked.
    pub(super) under_way: bool,
    /// When it is asked next; `None` before the first time.
    pub(super) next: Option<Timestamp>,
}
