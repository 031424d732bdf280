//! What the function has made of a batch so far.

use crate::on_failure_record::FailedResponse;

/// How often the function failed with a batch during this delivery.
#[derive(Clone, Debug, Default)]
pub(in crate::queue) struct Tries {
    pub(super) failures: u32,
    /// How many of these tries were retries: splitting a batch uses none.
    pub(super) retries: u32,
    /// What it answered last.
    pub(super) response: Option<FailedResponse>,
}

impl Tries {
    /// Counts a try that failed.
    pub(super) fn failed(&mut self, response: FailedResponse) {
        self.failures = self.failures.saturating_add(1);
        self.response = Some(response);
    }
}
