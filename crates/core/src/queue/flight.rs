//! Batches on their way through the function.

use super::groups::{self, Groups};
use crate::batching::Batch;
use crate::time::Timestamp;

/// What the machine remembers of a message in a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Delivery {
    pub(super) id: String,
    pub(super) receipt: crate::record::Receipt,
    /// Of a FIFO queue, its message group.
    pub(super) group: Option<String>,
    /// When the message becomes visible to others again.
    pub(super) hidden_until: Timestamp,
    /// How often it was received, this time included; 0 if the source does not say.
    pub(super) receives: u32,
}

/// Where a closed batch is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// For a slot.
    Waiting,
    /// For its turn to call the function.
    Reserving,
    /// The function has it.
    Invoking,
    /// It did not reach the function, and is tried again at `retry_at`.
    BackingOff { retry_at: Timestamp },
    /// `pending` settle calls are not yet answered.
    Settling { pending: usize },
}

/// A closed batch.
#[derive(Debug)]
pub(super) struct Flight {
    pub(super) batch: Batch<Delivery>,
    /// The message groups it keeps to itself until it ends; empty unless the queue is FIFO.
    pub(super) groups: Groups,
    pub(super) phase: Phase,
    pub(super) attempt: u32,
    /// When the last try began.
    pub(super) invoked_at: Timestamp,
    /// Whether one of its messages was received again since.
    pub(super) overtaken: bool,
}

impl Flight {
    /// Returns a batch that waits for a slot.
    pub(super) fn new(batch: Batch<Delivery>) -> Self {
        Self {
            groups: groups::of(&batch.items),
            batch,
            phase: Phase::Waiting,
            attempt: 0,
            invoked_at: Timestamp::default(),
            overtaken: false,
        }
    }

    /// Takes deliveries out of a batch that the function does not have, and with them their groups.
    pub(super) fn withdraw(
        &mut self,
        mut is_wanted: impl FnMut(&Delivery) -> bool,
    ) -> Vec<Delivery> {
        let withdrawn = self.batch.retain(|delivery| !is_wanted(delivery));
        if !withdrawn.is_empty() {
            self.groups = groups::of(&self.batch.items);
        }
        withdrawn
    }

    /// Tells whether the batch holds a slot.
    pub(super) const fn holds_slot(&self) -> bool {
        !matches!(self.phase, Phase::Waiting)
    }
}

/// Returns the message identifiers if decisions are wanted in detail.
pub(super) fn ids(detail: bool, deliveries: &[Delivery]) -> Vec<String> {
    if detail {
        deliveries
            .iter()
            .map(|delivery| delivery.id.clone())
            .collect()
    } else {
        Vec::new()
    }
}
