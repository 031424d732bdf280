//! What a machine keeps of its share group.

use super::give_ups::GiveUps;
use super::lags::Lags;
use super::renewals::Renewals;

/// What a machine keeps of its share group; of another queue nothing.
#[derive(Debug, Default)]
pub(in crate::queue) struct ShareGroup {
    pub(in crate::queue) give_ups: GiveUps,
    pub(super) renewals: Renewals,
    pub(in crate::queue) lags: Lags,
}
