//! The visibility timeout: how long messages are asked to stay hidden, and what is given up when it has ended.

use std::time::Duration;

use super::config::QueueConfig;
use super::machine::QueueMachine;
use crate::decision::BatchId;
use crate::time::Timestamp;

/// Added to window and function timeout when they reach the queue's visibility timeout (Lambda
/// developer guide, 2022 edition, "Using Lambda with Amazon SQS").
const VISIBILITY_SLACK: Duration = Duration::from_secs(30);

/// The timeout of a function that names none (Lambda API reference, `CreateFunction`: `Timeout`).
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(3);

const VISIBILITY_ENDED: &str = "the visibility timeout ended before the function could take it";

impl QueueConfig {
    /// Returns the visibility timeout to ask for, where the queue's own is too short: a message that
    /// waits for the window and then for the function must not reappear meanwhile.
    ///
    /// A timeout that is not known counts as Lambda's default, 3 s, or as the longest time that the
    /// function was seen to run: the queue's own timeout stands for ordinary functions, and a slow one
    /// meets a message that reappeared at most once.
    #[must_use]
    pub fn visibility_override(&self, longest_run: Duration) -> Option<Duration> {
        let timeout = self.function_timeout;
        let timeout = timeout.unwrap_or_else(|| DEFAULT_TIMEOUT.max(longest_run));
        let needed = self.limits.window + timeout;
        // At equality a message would reappear at the very end.
        let too_short = !self.limits.window.is_zero() && needed >= self.facts.visibility_timeout;
        too_short.then(|| needed + VISIBILITY_SLACK)
    }
}

impl QueueMachine {
    /// Gives up the copies that others can see again. Returns whether nothing is left of the batch.
    pub(super) fn drop_expired(&mut self, now: Timestamp, id: BatchId) -> bool {
        if self.config.share_group.is_some() {
            return self.drop_unwanted(now, id);
        }
        let Some(flight) = self.in_flight.get_mut(id) else {
            return true;
        };
        let expired = flight.withdraw(|delivery| delivery.hidden_until < now);
        let nothing_left = flight.batch.items.is_empty();
        self.report_given_up(id, VISIBILITY_ENDED, &expired);
        self.hold_back(&expired);
        nothing_left
    }
}
