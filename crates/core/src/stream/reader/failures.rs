//! A source that fails: it is left alone for a while, and opened anew where it has lost the cursor, or the record to go
//! on after.

use std::time::Duration;

use super::{Reader, State};
use crate::backoff::Backoff;
use crate::decision::Decision;
use crate::fault::{SourceError, SourceErrorKind};
use crate::stream::checkpoint::settled_prefix::SettledPrefix;
use crate::stream::context::Context;
use crate::stream::port::{Cursor, Start};
use crate::time;

/// How long reading rests when the place asked for is gone.
const HORIZON_WAIT: Duration = Duration::from_secs(1);

impl Reader {
    pub(super) fn fetch_failed(
        &mut self,
        ctx: &mut Context<'_>,
        prefix: &SettledPrefix,
        cursor: Cursor,
        error: SourceError,
    ) {
        self.state = State::Closed;
        match error.kind {
            SourceErrorKind::Trimmed => self.restart_at_horizon(ctx, prefix, error),
            // Opened anew at once; an iterator expires after minutes.
            SourceErrorKind::Expired if self.failures == 0 => {
                self.failures = 1;
                ctx.report(Decision::Reopened {
                    shard: ctx.shard.clone(),
                    because: error.message,
                });
            }
            SourceErrorKind::Expired | SourceErrorKind::NotFound | SourceErrorKind::Fatal => {
                self.source_failed(ctx, error);
            }
            _ => {
                self.state = State::At(cursor);
                self.source_failed(ctx, error);
            }
        }
    }

    /// The stream no longer holds where reading was to go on, it says: it goes on with the oldest record, but
    /// for those that are known, should the stream be wrong.
    pub(super) fn restart_at_horizon(
        &mut self,
        ctx: &mut Context<'_>,
        prefix: &SettledPrefix,
        error: SourceError,
    ) {
        self.begin_by_time(prefix);
        if ctx.config.halts_when_trimmed && self.resume != Start::TrimHorizon {
            return self.halt(ctx, error);
        }
        match std::mem::replace(&mut self.resume, Start::TrimHorizon) {
            Start::TrimHorizon => return self.source_failed(ctx, error),
            Start::Timestamp(since) => self.since = Some(since),
            // Of what was known already, all comes again.
            Start::After(last) => {
                self.known.get_or_insert(last);
            }
            Start::Latest => {}
        }
        // Or was the stream made anew? The listing should tell before anything is read.
        ctx.shared.list = true;
        self.not_before = Some(ctx.now + HORIZON_WAIT);
        let (shard, because) = (ctx.shard.clone(), error.message);
        ctx.report(if self.may_be_trimmed(ctx) {
            Decision::RecordsExpired { shard, because }
        } else {
            Decision::Reopened { shard, because }
        });
    }

    /// The mapping ends here: nothing is passed over before somebody has read of it, and begins it again (Lambda developer
    /// guide, "Using Lambda with Amazon DocumentDB": the mapping is disabled).
    fn halt(&mut self, ctx: &mut Context<'_>, error: SourceError) {
        let since = self.reached.map_or_else(String::new, |reached| {
            format!(", the last one read being of {}", reached.iso_millis())
        });
        let text = format!(
            "what comes {} is lost{since}: {}; enable the mapping again to go on with the oldest record that is still there",
            self.resume, error.message
        );
        self.halted = Some(text);
        ctx.report(Decision::HistoryLost {
            shard: ctx.shard.clone(),
            because: error.message,
        });
    }

    /// Returns why the shard is read no more, of a source whose mapping ends with what is lost.
    pub(in crate::stream) const fn halted(&self) -> Option<&String> {
        self.halted.as_ref()
    }

    /// Tells whether the next record may be so old that the stream has dropped it. DynamoDB Local says so of a
    /// shard that never held one.
    fn may_be_trimmed(&self, ctx: &Context<'_>) -> bool {
        let age = self.reached.map(|reached| ctx.clock.age(ctx.now, reached));
        match (age, ctx.facts.retention) {
            (Some(age), Some(retention)) => age >= retention / 2,
            _ => true,
        }
    }

    pub(super) fn source_failed(&mut self, ctx: &mut Context<'_>, error: SourceError) {
        self.failures = self.failures.saturating_add(1);
        let wait = Backoff::SOURCE.wait(self.failures, &mut ctx.shared.random);
        self.not_before = Some(ctx.now + wait);
        self.gone = error.kind == SourceErrorKind::NotFound;
        ctx.shared.list |= self.gone;
        let error = error.within(&format!("shard {}", ctx.shard));
        ctx.report(Decision::PollFailed {
            error: error.message.clone(),
            retry_ms: time::millis(wait),
        });
        self.problem = Some(error);
    }
}
