//! The commit that is under way.

use super::port::PartitionOffset;
use crate::stream::CallId;
use crate::time::Timestamp;

/// The commit that is under way, and when the next may begin.
#[derive(Debug, Default)]
pub(super) struct Committing {
    pub(super) open: Option<(CallId, Vec<PartitionOffset>)>,
    pub(super) not_before: Option<Timestamp>,
    pub(super) failures: u32,
    /// Why the last one failed, until one succeeds.
    pub(super) problem: Option<String>,
}

impl Committing {
    /// Tells whether a commit is under way, or must be tried again.
    pub(super) const fn is_busy(&self) -> bool {
        self.open.is_some() || self.not_before.is_some()
    }

    /// Nothing is left to be committed that could not be.
    pub(super) fn succeeded(&mut self) {
        self.failures = 0;
        self.problem = None;
    }

    /// Returns when a commit may be tried again.
    pub(super) const fn next_deadline(&self) -> Option<Timestamp> {
        self.not_before
    }
}
