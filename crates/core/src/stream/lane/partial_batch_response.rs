//! `ReportBatchItemFailures`: the function names the records that failed, and reading goes on at the first of them
//! (Lambda developer guide, "Configuring partial batch response with Kinesis Data Streams and Lambda").

use super::batch_in_flight::{Part, Phase};
use super::{Effect, Lane};
use crate::decision::Decision;
use crate::response::{Verdict, read_partial_failures};
use crate::stream::context::Context;
use crate::time;

/// Returns the first record that the function reported as failed; `None` if it processed all.
///
/// # Errors
/// Fails, in words, if that makes the try a failed one: the response is invalid, or names the first record.
pub(super) fn first_failure(
    ctx: &mut Context<'_>,
    part: &Part,
    payload: &[u8],
) -> Result<Option<usize>, String> {
    if !ctx.config.report_batch_item_failures {
        if let Some(failures) = ctx.shared.ignored_failures.notice(payload) {
            let batch = part.id;
            ctx.report(Decision::FailuresIgnored { batch, failures });
        }
        return Ok(None);
    }
    let items = part.batch.items.iter();
    match read_partial_failures(payload, items.map(|item| item.sequence.as_ref())) {
        Verdict::Success => Ok(None),
        Verdict::Failed(failed) if failed.first() == Some(&0) => {
            Err("the function reported the first record as failed".to_owned())
        }
        Verdict::Failed(failed) => Ok(failed.first().copied()),
        Verdict::Invalid(reason) => Err(format!("invalid partial batch response: {reason}")),
    }
}

impl Lane {
    /// The records before `first` are done; the rest goes on as a batch of its own, with all of its
    /// retries (recorded: the invocation that made progress does not count).
    pub(super) fn progressed(
        &mut self,
        ctx: &mut Context<'_>,
        first: usize,
        effects: &mut Vec<Effect>,
    ) {
        let Some(part) = self.take_part() else {
            return;
        };
        let records = part.batch.items.len();
        let id = ctx.shared.next_batch();
        let mut rest = Part::new(id, part.batch.pick(first..records));
        let wait = ctx.config.backoff.wait(1, &mut ctx.shared.random);
        rest.phase = Phase::Waiting(ctx.now + wait);
        self.problem = Some(format!(
            "the function reported record {} of {records} as failed",
            first + 1
        ));
        let failed_at = rest.batch.items.first();
        ctx.report(Decision::PartlyProcessed {
            batch: part.id,
            records,
            processed: first,
            remaining: id,
            failed_at: failed_at.map_or_else(String::new, |item| item.sequence.to_string()),
            retry_ms: time::millis(wait),
        });
        let mut done = part.batch.items;
        done.truncate(first);
        effects.push(Effect::Settled(done));
        self.put_back(rest);
        self.tell_given_up(effects);
    }
}
