//! When the logs are measured.

use std::time::Duration;

use crate::time::Timestamp;

/// How often the logs are measured.
pub(super) const MEASURED_EVERY: Duration = Duration::from_secs(1);

/// When the logs are measured.
#[derive(Debug)]
pub(super) struct Measuring {
    pub(super) next: Timestamp,
    pub(super) under_way: bool,
}

impl Measuring {
    pub(super) const fn new(now: Timestamp) -> Self {
        Self {
            next: now,
            under_way: false,
        }
    }

    /// Returns when they are measured next; `None` while they are.
    pub(super) fn next_deadline(&self) -> Option<Timestamp> {
        (!self.under_way).then_some(self.next)
    }
}
