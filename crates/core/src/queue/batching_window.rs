//! When the open batch goes: at the end of its batching window.

use std::time::Duration;

use super::machine::QueueMachine;
use crate::batching::CloseReason;
use crate::time::Timestamp;

/// How long a window waits at most for receives that should have ended with it.
const GRACE: Duration = Duration::from_secs(1);

impl QueueMachine {
    pub(super) fn close_due_window(&mut self, now: Timestamp) {
        if self.window_closes().is_some_and(|time| time <= now)
            && let Some(batch) = self.batcher.close(CloseReason::Window)
        {
            self.enqueue(batch);
        }
    }

    /// Returns when the open batch goes: at the end of its window; a little later, if receives that end
    /// with the window are still open and what they bring would find no slot. Receives that wait beyond
    /// the window were opened before it began, and do not hold it: what they bring is for the next batch.
    pub(super) fn window_closes(&self) -> Option<Timestamp> {
        let end = self.batcher.window_end()?;
        if self.batcher.is_empty() {
            return None;
        }
        let expected = self.polling.expected_by(end);
        let slots_after = self
            .scaler
            .concurrency()
            .saturating_sub(self.in_flight.batches() + 1);
        let is_held = expected > slots_after.saturating_mul(self.config.limits.count);
        Some(if is_held { end + GRACE } else { end })
    }
}
