//! What becomes of a source that fails.

use std::time::Duration;

use super::port::Start;
use super::shard::{Context, Shard};
use crate::backoff::Backoff;
use crate::decision::Decision;
use crate::fault::{SourceError, SourceErrorKind};

/// How long reading rests when the place asked for is gone.
const HORIZON_WAIT: Duration = Duration::from_secs(1);

impl Shard {
    /// The stream no longer holds where reading was to go on, it says: it goes on with the oldest record, but
    /// for those that are known, should the stream be wrong.
    pub(super) fn restart_at_horizon(&mut self, ctx: &mut Context<'_>, error: SourceError) {
        self.begin_by_time();
        match std::mem::replace(&mut self.reader.resume, Start::TrimHorizon) {
            Start::TrimHorizon => return self.source_failed(ctx, error),
            Start::Timestamp(since) => self.reader.since = Some(since),
            // Of what was known already, all comes again.
            Start::After(last) => {
                self.reader.known.get_or_insert(last);
            }
            Start::Latest => {}
        }
        // Or was the stream made anew? The listing should tell before anything is read.
        ctx.out.list = true;
        self.reader.not_before = Some(ctx.now + HORIZON_WAIT);
        let (shard, because) = (self.id.clone(), error.message);
        ctx.report(if self.may_be_trimmed(ctx) {
            Decision::RecordsExpired { shard, because }
        } else {
            Decision::Reopened { shard, because }
        });
    }

    /// Tells whether the next record may be so old that the stream has dropped it. DynamoDB Local says so of a
    /// shard that never held one.
    fn may_be_trimmed(&self, ctx: &Context<'_>) -> bool {
        let age = self
            .reader
            .reached
            .map(|reached| ctx.clock.age(ctx.now, reached));
        match (age, ctx.facts.retention) {
            (Some(age), Some(retention)) => age >= retention / 2,
            _ => true,
        }
    }

    pub(super) fn source_failed(&mut self, ctx: &mut Context<'_>, error: SourceError) {
        self.reader.failures = self.reader.failures.saturating_add(1);
        let wait = Backoff::SOURCE.wait(self.reader.failures, &mut ctx.out.random);
        self.reader.not_before = Some(ctx.now + wait);
        self.reader.gone = error.kind == SourceErrorKind::NotFound;
        ctx.out.list |= self.reader.gone;
        let text = format!("shard {}: {}", self.id, error.message);
        self.reader.problem = Some(text.clone());
        ctx.report(Decision::PollFailed {
            error: text,
            retry_ms: u64::try_from(wait.as_millis()).unwrap_or(u64::MAX),
        });
    }
}
