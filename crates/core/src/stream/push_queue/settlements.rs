//! The outcomes that the broker does not know yet.

use super::port::DeliveryOutcome;
use crate::stream::CallId;

/// The outcomes that the broker does not know yet.
#[derive(Debug, Default)]
pub(super) struct Settlements {
    pub(super) waiting: Vec<DeliveryOutcome>,
    pub(super) under_way: Option<UnderWay>,
}

/// A call that tells the broker.
#[derive(Debug)]
pub(super) struct UnderWay {
    pub(super) id: CallId,
    /// How many it accepts, how many it releases, and how many they are with those it rejects.
    pub(super) accepted: usize,
    pub(super) released: usize,
    pub(super) messages: usize,
}

impl Settlements {
    /// Tells whether the broker knows all.
    pub(super) const fn is_empty(&self) -> bool {
        self.waiting.is_empty() && self.under_way.is_none()
    }

    /// Forgets those of a session that is over.
    pub(super) fn clear(&mut self) {
        self.waiting.clear();
        self.under_way = None;
    }
}
