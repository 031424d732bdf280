//! What is done at its time.

use super::action::SettleId;
use super::share_group::{DeliveryId, Holder};
use crate::decision::BatchId;

/// Something to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Timer {
    /// A batch is tried again.
    Batch(BatchId),
    /// A settle call is.
    Settle(SettleId),
    /// The on-failure destination of a share group is told again.
    Deliver(DeliveryId),
    /// The locks of records of a share group are renewed.
    Renew(Holder),
    /// A share group is asked for its lag.
    Measure,
}

impl Timer {
    /// Tells whether it is for something that has failed.
    pub(super) const fn is_retry(self) -> bool {
        matches!(self, Self::Batch(_) | Self::Settle(_) | Self::Deliver(_))
    }
}
