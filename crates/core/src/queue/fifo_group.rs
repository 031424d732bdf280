//! FIFO queues: order within message groups.
//!
//! SQS itself withholds further messages of a group while any of it is in flight. What is left to the
//! mapping: one receive can fill several batches (6 MB each), and then two of them may share a group.

use std::collections::BTreeSet;

use super::delivery::Delivery;

/// The names of some message groups.
pub(super) type Groups = BTreeSet<String>;

/// Returns the groups of some deliveries.
pub(super) fn of(deliveries: &[Delivery]) -> Groups {
    deliveries
        .iter()
        .filter_map(|delivery| delivery.group.clone())
        .collect()
}

/// Tells whether two sets share a group.
pub(super) fn overlap(some: &Groups, others: &Groups) -> bool {
    some.iter().any(|group| others.contains(group))
}
