//! A function that is throttled, or not reached for another reason: the same batch is sent again, with back-off, and that
//! uses no retry (Lambda developer guide, "Error handling": retries of throttled batches do not count toward the limit).

use std::time::Duration;

use super::batch_in_flight::Phase;
use super::{Effect, Lane};
use crate::backoff::Backoff;
use crate::decision::Decision;
use crate::excerpt::{LONGEST_TEXT, excerpt};
use crate::fault::{InvokeError, InvokeErrorKind};
use crate::on_failure_record::FailedResponse;
use crate::stream::context::Context;
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
