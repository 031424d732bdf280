//! `IteratorAge`: the age of the last record of a batch when the function receives it (Lambda developer guide, "Metrics
//! for event source mappings"). A mapping shows that of the shard where it is greatest, among those with unsettled
//! records; `totals` keeps which one that is.

use super::context::Context;
use crate::time::{self, Timestamp};

/// Returns the age of a batch whose last record arrived at `arrival`, in milliseconds, by the source's clock.
pub(super) fn iterator_age_ms(ctx: &Context<'_>, arrival: Timestamp) -> u64 {
    time::millis(ctx.clock.at(ctx.now).since(arrival))
}
