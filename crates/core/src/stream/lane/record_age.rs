//! `MaximumRecordAgeInSeconds`: records that grew too old are split off and given up, before each try and between
//! tries (Lambda developer guide, "Configuring partial batch response … error handling").

use std::time::Duration;

use super::batch_in_flight::Part;
use super::{Effect, Lane};
use crate::batching::Batch;
use crate::on_failure_record::Condition;
use crate::stream::context::Context;
use crate::stream::item::Item;
use crate::stream::on_failure_destination::GivenUp;
use crate::time::Timestamp;

impl Lane {
    /// Returns when the first record of the next batch is too old to be sent.
    pub(super) fn expiry(&self, ctx: &Context<'_>) -> Option<Timestamp> {
        let closed = self.closed.front().map(|closed| &closed.batch.items);
        let first = closed.and_then(|items| items.first());
        let first = first.or_else(|| self.batcher.first())?;
        let limit = ctx.config.retry.maximum_record_age?;
        Some(ctx.clock.outlives(first.arrival, limit))
    }

    /// Splits off and gives up the records of the next part that are too old, or the end of a tumbling window that
    /// is. Returns whether anything is left of the part.
    pub(super) fn drop_expired(
        &mut self,
        ctx: &mut Context<'_>,
        effects: &mut Vec<Effect>,
    ) -> bool {
        let (now, clock) = (ctx.now, *ctx.clock);
        let Some(batch) = &mut self.in_flight else {
            return false;
        };
        let Some(part) = batch.front_mut() else {
            return false;
        };
        let Some(limit) = age_limit(ctx, part) else {
            return true;
        };
        if let Some(end) = part.ends_window {
            let fresh = now.since(end.at) <= limit;
            if !fresh {
                batch.take();
                self.tumbling.give_up(ctx, Condition::RecordAgeExceeded);
            }
            return fresh;
        }
        let is_expired = |item: &Item| clock.age(now, item.arrival) > limit;
        let items = &part.batch.items;
        if !items.iter().any(is_expired) {
            return true;
        }
        let expired: Vec<usize> = (0..items.len())
            .filter(|&at| is_expired(&items[at]))
            .collect();
        let runs: Vec<Batch<Item>> = expired
            .chunk_by(|left, right| left + 1 == *right)
            .map(|run| part.batch.pick(run.iter().copied()))
            .collect();
        let fresh = (0..items.len()).filter(|at| expired.binary_search(at).is_err());
        let rest = part.batch.pick(fresh);
        let left = !rest.items.is_empty();
        // Recorded: a record that was never sent counts as one invocation.
        let (id, invokes) = (part.id, part.invokes + 1);
        if left {
            part.batch = rest;
        } else {
            batch.take();
        }
        for run in runs {
            let given_up = GivenUp::batch(id, Condition::RecordAgeExceeded, run, invokes, None);
            self.give_up(given_up, effects);
        }
        left
    }
}

/// Returns the age beyond which the records of a part are not sent. What the stream itself keeps them for counts
/// only for a part that was tried before.
fn age_limit(ctx: &Context<'_>, part: &Part) -> Option<Duration> {
    let tried = part.attempt > 0 || part.invokes > 0;
    let limits = [
        ctx.config.retry.maximum_record_age,
        ctx.facts.retention.filter(|_| tried),
    ];
    limits.into_iter().flatten().min()
}

/// Returns when the oldest record of a part is too old to be sent, or the end of a window.
pub(super) fn expiry(ctx: &Context<'_>, part: &Part) -> Option<Timestamp> {
    let limit = age_limit(ctx, part)?;
    if let Some(end) = part.ends_window {
        return Some(end.at + limit + Duration::from_millis(1));
    }
    let oldest = part.batch.items.iter().map(|item| item.arrival).min()?;
    Some(ctx.clock.outlives(oldest, limit))
}
