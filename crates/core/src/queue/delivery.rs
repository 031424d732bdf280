//! One delivery of a message, as the machine remembers it.

use crate::record::Receipt;
use crate::time::Timestamp;

/// What the machine remembers of a message in a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Delivery {
    pub(super) id: String,
    pub(super) receipt: Receipt,
    /// Of a FIFO queue, its message group.
    pub(super) group: Option<String>,
    /// When the message becomes visible to others again.
    pub(super) hidden_until: Timestamp,
    /// How often it was received, this time included; 0 if the source does not say.
    pub(super) receives: u32,
    pub(super) deletion: Deletion,
}

/// What is known of the calls so far that were to delete a delivery's message, all of which failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Deletion {
    /// They did not delete it, if there was any.
    NotDone,
    /// Of one there is no answer: it may have deleted the message.
    Unknown,
    /// The message has been received again since, and its newer delivery counts.
    Overtaken,
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
