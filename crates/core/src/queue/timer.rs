//! What is tried again at its time.

use super::action::SettleId;
use crate::decision::BatchId;

/// Something to be tried again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Timer {
    Batch(BatchId),
    Settle(SettleId),
}
