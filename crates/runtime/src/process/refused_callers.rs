//! Who else tried to speak to an environment's Runtime API.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Counts the connections and requests that were refused, and logs the first, and at the end how many there were.
pub(crate) struct RefusedCallers {
    function: Arc<str>,
    process_id: u32,
    refused: AtomicU64,
}

impl RefusedCallers {
    pub(crate) fn new(function: Arc<str>, process_id: u32) -> Self {
        Self {
            function,
            process_id,
            refused: AtomicU64::new(0),
        }
    }

    /// One was refused, `why` it was.
    pub(crate) fn refused(&self, why: &str) {
        if self.refused.fetch_add(1, Ordering::Relaxed) == 0 {
            let Self {
                function,
                process_id,
                ..
            } = self;
            tracing::warn!(
                %function, process_id,
                "refused somebody who is not the function at its Runtime API, and shall not say so again until \
                 this process ends: {why}"
            );
        }
    }

    /// How many were refused.
    pub(crate) fn count(&self) -> u64 {
        self.refused.load(Ordering::Relaxed)
    }
}

impl Drop for RefusedCallers {
    fn drop(&mut self) {
        let (refused, function, process_id) = (self.count(), &self.function, self.process_id);
        if refused > 1 {
            tracing::warn!(%function, process_id, refused, "refused all these at the function's Runtime API");
        }
    }
}
