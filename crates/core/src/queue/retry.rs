//! Throttled, unreachable, unknown: what did not reach the function is tried again with back-off, as long as its
//! messages are hidden from others.

use super::in_flight::Phase;
use super::machine::QueueMachine;
use super::scaling::Outcome;
use super::timer::Timer;
use crate::backoff::Backoff;
use crate::decision::{BatchId, Decision};
use crate::fault::{InvokeError, InvokeErrorKind};
use crate::time::Timestamp;

impl QueueMachine {
    /// The batch did not reach the function: try again with back-off as long as the messages are ours.
    pub(super) fn not_reached(&mut self, now: Timestamp, id: BatchId, error: InvokeError) {
        self.scale(now, Outcome::NotReached);
        self.function_problem = Some(error.message.clone());
        let Some(flight) = self.in_flight.get_mut(id) else {
            return;
        };
        let mut wait = Backoff::INVOKE.wait(flight.attempt, &mut self.random);
        if let InvokeErrorKind::Throttled {
            retry_after: Some(asked),
        } = error.kind
        {
            wait = wait.max(asked);
        }
        let retry_at = now + wait;
        let (attempts, records) = (flight.attempt, flight.batch.items.len());
        flight.phase = Phase::BackingOff { retry_at };
        let retry_ms = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
        let error = error.message;
        self.report(Decision::Deferred {
            batch: id,
            records,
            error,
            attempts,
            retry_ms,
        });
        if self.gives_back() {
            self.release(now, id);
        } else if self.config.share_group.is_some() {
            self.wait_or_let_go(now, id, retry_at);
        } else if self.drop_expired(retry_at, id) {
            self.end(id);
        } else {
            self.timers.insert((retry_at, Timer::Batch(id)));
        }
    }

    /// Tries a batch again whose back-off has ended.
    pub(super) fn retry_batch(&mut self, now: Timestamp, at: Timestamp, id: BatchId) {
        let phase = self.in_flight.phase(id);
        if phase != Some(Phase::BackingOff { retry_at: at }) {
            return;
        }
        if self.drop_expired(now, id) {
            self.end(id);
        } else {
            self.reserve(id);
        }
    }
}

/// Tells whether the function never had the batch, so that the try does not count.
pub(super) const fn is_worth_retrying(kind: InvokeErrorKind) -> bool {
    match kind {
        InvokeErrorKind::Throttled { .. }
        | InvokeErrorKind::NotFound
        | InvokeErrorKind::Denied
        | InvokeErrorKind::Unavailable => true,
        InvokeErrorKind::Refused { may_pass, .. } => may_pass,
        InvokeErrorKind::Function => false,
    }
}
