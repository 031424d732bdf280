//! Retries: a try that failed counts against `MaximumRetryAttempts`, one that did not reach the function does not
//! (Lambda developer guide, "Error handling": retries of throttled batches do not count toward the limit).

use std::time::Duration;

use super::batch_in_flight::{Part, Phase};
use super::{Effect, Lane};
use crate::backoff::Backoff;
use crate::decision::{AfterFailure, Decision};
use crate::excerpt::{LONGEST_TEXT, excerpt};
use crate::fault::{InvokeError, InvokeErrorKind};
use crate::on_failure_record::Condition;
use crate::stream::context::Context;
use crate::stream::on_failure_destination::{FailedResponse, GivenUp};
use crate::time;

/// The longest `Retry-After` that is heeded.
const LONGEST_WAIT_ASKED_FOR: Duration = Duration::from_secs(300);

/// A refusal that may pass counts as a failed try when so many tries in a row did not reach the function:
/// after about six seconds, the time in which a function is made anew.
const REFUSALS: u32 = 6;

impl Lane {
    /// The function was not reached, or could not answer.
    pub(super) fn no_answer(
        &mut self,
        ctx: &mut Context<'_>,
        error: InvokeError,
        effects: &mut Vec<Effect>,
    ) {
        let unreached = self.front().map_or(0, |part| part.unreached);
        match error.kind {
            InvokeErrorKind::Function => {
                let response = FailedResponse::unhandled(error.run);
                self.failed(ctx, error.message, response, effects);
            }
            InvokeErrorKind::Refused { status, may_pass }
                if !may_pass || unreached + 1 >= REFUSALS =>
            {
                let response = FailedResponse::refused(status, error.run);
                self.failed(ctx, error.message, response, effects);
            }
            InvokeErrorKind::Refused { .. }
            | InvokeErrorKind::Throttled { .. }
            | InvokeErrorKind::NotFound
            | InvokeErrorKind::Denied
            | InvokeErrorKind::Unavailable => self.not_reached(ctx, error, effects),
        }
    }

    /// A try failed that counts: the part is split, sent again, or given up.
    pub(super) fn failed(
        &mut self,
        ctx: &mut Context<'_>,
        error: String,
        response: FailedResponse,
        effects: &mut Vec<Effect>,
    ) {
        let error = excerpt(&error, LONGEST_TEXT);
        self.problem = Some(error.clone());
        let Some(mut part) = self.take_part() else {
            return;
        };
        part.invokes += 1;
        part.unreached = 0;
        part.response = Some(response);
        let (batch, records) = (part.id, part.batch.items.len());
        let retry = ctx.config.retry;
        let retries_left = retry.maximum_retries;
        let retries_left = retries_left.map(|most| most.saturating_sub(part.retries));
        let then = if retry.bisect_on_error && records > 1 {
            self.bisect(ctx, &part)
        } else if retries_left == Some(0) {
            AfterFailure::Discard
        } else {
            part.retries += 1;
            let wait = ctx
                .config
                .backoff
                .wait(part.retries, &mut ctx.shared.random);
            part.phase = Phase::Waiting(ctx.now + wait);
            AfterFailure::Retry {
                retry_ms: time::millis(wait),
                retries_left: retries_left.map(|left| left - 1),
            }
        };
        let given_up = then == AfterFailure::Discard;
        let waits = matches!(then, AfterFailure::Retry { .. });
        ctx.report(Decision::AttemptFailed {
            batch,
            records,
            error,
            then,
        });
        if given_up {
            self.exhausted(ctx, part, effects);
        } else if waits {
            self.put_back(part);
        }
    }

    /// The retries of a part are used up.
    fn exhausted(&mut self, ctx: &mut Context<'_>, part: Part, effects: &mut Vec<Effect>) {
        let condition = Condition::RetryAttemptsExhausted;
        if part.ends_window.is_some() {
            return self.tumbling.give_up(ctx, condition);
        }
        let (id, invokes, response) = (part.id, part.invokes, part.response);
        let given_up = GivenUp::batch(id, condition, part.batch, invokes, response);
        self.give_up(given_up, effects);
    }

    /// The batch did not reach the function.
    fn not_reached(
        &mut self,
        ctx: &mut Context<'_>,
        error: InvokeError,
        effects: &mut Vec<Effect>,
    ) {
        let message = excerpt(&error.message, LONGEST_TEXT);
        self.problem = Some(message.clone());
        let Some(mut part) = self.take_part() else {
            return;
        };
        part.unreached += 1;
        let mut wait = Backoff::INVOKE.wait(part.unreached, &mut ctx.shared.random);
        if let InvokeErrorKind::Throttled {
            retry_after: Some(asked),
        } = error.kind
        {
            wait = wait.max(asked.min(LONGEST_WAIT_ASKED_FOR));
        }
        part.phase = Phase::Waiting(ctx.now + wait);
        ctx.report(Decision::Deferred {
            batch: part.id,
            records: part.batch.items.len(),
            error: message,
            attempts: part.unreached,
            retry_ms: time::millis(wait),
        });
        self.put_back(part);
        self.tell_given_up(effects);
    }
}
