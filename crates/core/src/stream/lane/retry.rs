//! Retries: a try that failed counts against `MaximumRetryAttempts` (API reference); one that did not reach the function
//! does not (`throttling`).

use super::batch_in_flight::{Part, Phase};
use super::{Effect, Lane};
use crate::decision::{AfterFailure, Decision};
use crate::excerpt::{LONGEST_TEXT, excerpt};
use crate::on_failure_record::{Condition, FailedResponse};
use crate::stream::context::Context;
use crate::stream::on_failure_destination::GivenUp;
use crate::time;

impl Lane {
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
}
