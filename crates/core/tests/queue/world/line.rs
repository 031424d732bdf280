//! Who may call the function.

use lambda_esm_core::decision::BatchId;
use lambda_esm_core::fault::{InvokeError, InvokeErrorKind};
use lambda_esm_core::function_concurrency::{Ended, FunctionConcurrency};

use super::World;

impl World {
    /// Of a dead process nobody waits any more.
    pub(super) fn forget_turns(&mut self) {
        self.turns = FunctionConcurrency::new();
        self.turns.set_known(self.config.function_concurrency);
        self.line.clear();
    }

    pub(super) fn forgo(&mut self, batch: BatchId) {
        let place = self.line.iter().find(|(_, waits)| **waits == batch);
        if let Some((&ticket, _)) = place {
            self.line.remove(&ticket);
            self.turns.leave(ticket);
        } else {
            self.turns.ended(self.now, Ended::Unused);
        }
    }

    pub(super) fn turn_ended<T>(&mut self, result: &Result<T, InvokeError>) {
        let throttled =
            |error: &InvokeError| matches!(error.kind, InvokeErrorKind::Throttled { .. });
        let ended = match result {
            Err(error) if throttled(error) => Ended::Throttled,
            _ => Ended::Answered,
        };
        self.turns.ended(self.now, ended);
    }
}
