//! `ReportBatchItemFailures`: the function names the records that failed, and reading goes on at the first of them
//! (Lambda developer guide, "Configuring partial batch response with Kinesis Data Streams and Lambda").

use super::batch_in_flight::{Part, Phase};
use super::{Effect, Lane};
use crate::decision::{AfterFailure, Decision};
use crate::on_failure_record::{Condition, FailedResponse};
use crate::response::{Run, Verdict, read_kafka_failures, read_partial_failures};
use crate::stream::context::Context;
use crate::stream::encoder::StreamEncoder;
use crate::stream::on_failure_destination::GivenUp;
use crate::time;

/// Which records of a batch the function reported as failed, though not all.
#[derive(Debug)]
pub(super) enum Failures {
    /// It processed all.
    None,
    /// This one: it and all that follow are sent again.
    From(usize),
    /// Just these: the others are done.
    These(Vec<usize>),
}

/// Returns which records the function reported as failed.
///
/// # Errors
/// Fails, in words, if that makes the try a failed one: the response is invalid, or no record was processed.
pub(super) fn failures(
    ctx: &mut Context<'_>,
    part: &Part,
    payload: &[u8],
) -> Result<Failures, String> {
    if !ctx.config.report_batch_item_failures {
        if let Some(failures) = ctx.shared.ignored_failures.notice(payload) {
            let batch = part.id;
            ctx.report(Decision::FailuresIgnored { batch, failures });
        }
        return Ok(Failures::None);
    }
    let items = part.batch.items.iter();
    let kafka = match &ctx.config.encoder {
        StreamEncoder::Kafka(kafka) => Some(kafka),
        _ => None,
    };
    let verdict = match kafka {
        Some(kafka) => {
            let offsets = items.map(|item| item.place.offset());
            read_kafka_failures(payload, kafka.topic(), offsets)
        }
        None => read_partial_failures(payload, items.map(|item| item.place.sequence())),
    };
    match verdict {
        Verdict::Success => Ok(Failures::None),
        Verdict::Failed(failed) if kafka.is_some() && failed.len() == part.batch.items.len() => {
            Err("the function reported every record as failed".to_owned())
        }
        Verdict::Failed(failed) if kafka.is_some() => Ok(Failures::These(failed)),
        Verdict::Failed(failed) if failed.first() == Some(&0) => {
            Err("the function reported the first record as failed".to_owned())
        }
        Verdict::Failed(failed) => Ok(failed
            .first()
            .map_or(Failures::None, |&first| Failures::From(first))),
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
            failed_at: failed_at.map_or_else(String::new, |item| item.place.to_string()),
            retry_ms: time::millis(wait),
        });
        let mut done = part.batch.items;
        done.truncate(first);
        effects.push(Effect::Settled(done));
        self.put_back(rest);
        self.tell_given_up(effects);
    }

    /// The records at `failed` are sent again, and only they: the others are done (Lambda developer guide, "Retain
    /// discarded batches", partial batch responses of Kafka: only the failed items are retried). Whoever failed has used
    /// a retry, so that none is sent more often than `MaximumRetryAttempts` allows.
    pub(super) fn failed_in_part(
        &mut self,
        ctx: &mut Context<'_>,
        failed: &[usize],
        run: Run,
        effects: &mut Vec<Effect>,
    ) {
        let Some(part) = self.take_part() else {
            return;
        };
        let records = part.batch.items.len();
        let id = ctx.shared.next_batch();
        let mut rest = Part::new(id, part.batch.pick(failed.iter().copied()));
        rest.invokes = part.invokes + 1;
        rest.response = Some(FailedResponse::answered(run));
        let (first, count) = (rest.batch.items.first(), failed.len());
        let failed_at = first.map_or_else(String::new, |item| item.place.to_string());
        self.problem = Some(format!(
            "the function reported {count} of {records} records as failed, {failed_at} first"
        ));
        let mut index = 0;
        let mut done = part.batch.items;
        done.retain(|_| {
            index += 1;
            failed.binary_search(&(index - 1)).is_err()
        });
        effects.push(Effect::Settled(done));
        let retries_left = ctx.config.retry.maximum_retries;
        if retries_left.is_some_and(|most| part.retries >= most) {
            ctx.report(Decision::AttemptFailed {
                batch: part.id,
                records: count,
                error: format!("the function reported them as failed, {failed_at} first"),
                then: AfterFailure::Discard,
            });
            let condition = Condition::RetryAttemptsExhausted;
            let (invokes, response) = (rest.invokes, rest.response);
            let given_up = GivenUp::batch(id, condition, rest.batch, invokes, response);
            return self.give_up(given_up, effects);
        }
        rest.retries = part.retries + 1;
        let wait = ctx
            .config
            .backoff
            .wait(rest.retries, &mut ctx.shared.random);
        rest.phase = Phase::Waiting(ctx.now + wait);
        ctx.report(Decision::PartlyProcessed {
            batch: part.id,
            records,
            processed: records - count,
            remaining: id,
            failed_at,
            retry_ms: time::millis(wait),
        });
        self.put_back(rest);
        self.tell_given_up(effects);
    }
}
