//! What an invocation came to: success, progress, a retry, a split, or the end of the retries.

use std::time::Duration;

use super::lane::{Item, Phase, Piece, Response, WindowEnd};
use super::shard::{Context, Shard};
use super::window;
use crate::backoff::Backoff;
use crate::decision::{AfterFailure, BatchId, Decision};
use crate::excerpt::{LONGEST_TEXT, excerpt};
use crate::fault::{InvokeError, InvokeErrorKind};
use crate::on_failure_record::Condition;
use crate::response::{InvokeAnswer, Verdict, read_partial_failures, read_window_state};

/// The longest `Retry-After` that is heeded.
const LONGEST_WAIT_ASKED_FOR: Duration = Duration::from_secs(300);

/// A refusal that may pass counts as a failed try when so many tries in a row did not reach the function:
/// after about six seconds, the time in which a function is made anew.
const REFUSALS: u32 = 6;

impl Shard {
    /// An invocation ended.
    pub(super) fn invoked(
        &mut self,
        ctx: &mut Context<'_>,
        batch: BatchId,
        attempt: u32,
        result: Result<InvokeAnswer, InvokeError>,
    ) {
        let Some(lane) = self.lane_of(batch) else {
            return;
        };
        if self.lanes[lane].front().map(|piece| piece.attempt) != Some(attempt) {
            return;
        }
        ctx.out.flights.remove(&batch);
        match result {
            Ok(answer) => self.answered(ctx, lane, answer),
            Err(error) => match error.kind {
                InvokeErrorKind::Function => {
                    self.failed(ctx, lane, error.message, Response::unhandled(error.run));
                }
                InvokeErrorKind::Refused { status, may_pass }
                    if !may_pass || self.not_reached_so_far(lane) + 1 >= REFUSALS =>
                {
                    let response = Response::refused(status, error.run);
                    self.failed(ctx, lane, error.message, response);
                }
                InvokeErrorKind::Refused { .. }
                | InvokeErrorKind::Throttled { .. }
                | InvokeErrorKind::NotFound
                | InvokeErrorKind::Denied
                | InvokeErrorKind::Unavailable => self.not_reached(ctx, lane, error),
            },
        }
        if ctx.draining {
            self.abandon(ctx, lane);
        }
    }

    fn answered(&mut self, ctx: &mut Context<'_>, lane: usize, answer: InvokeAnswer) {
        let InvokeAnswer { payload, run } = answer;
        let response = Response::answered(run);
        let Some(piece) = self.lanes[lane].front() else {
            return;
        };
        if piece.ends_window.is_some() {
            self.window.open = None;
            return self.succeeded(ctx, lane);
        }
        let state = if ctx.config.tumbling().is_some() {
            match read_window_state(&payload) {
                Ok(state) if state.get().len() > window::MAX_SENT_STATE_BYTES => {
                    let bytes = state.get().len();
                    let error = format!("the window's state of {bytes} bytes fits into no event");
                    return self.failed(ctx, lane, error, response);
                }
                Ok(state) => Some(state),
                Err(reason) => {
                    let error = format!("invalid tumbling window response: {reason}");
                    return self.failed(ctx, lane, error, response);
                }
            }
        } else {
            None
        };
        let verdict = if ctx.config.report_batch_item_failures {
            let items = piece.batch.items.iter();
            read_partial_failures(&payload, items.map(|item| item.sequence.as_ref()))
        } else {
            if let Some(failures) = ctx.out.unasked.notice(&payload) {
                let batch = piece.id;
                ctx.report(Decision::FailuresIgnored { batch, failures });
            }
            Verdict::Success
        };
        let first = match verdict {
            Verdict::Success => None,
            Verdict::Failed(failed) => failed.first().copied(),
            Verdict::Invalid(reason) => {
                let error = format!("invalid partial batch response: {reason}");
                return self.failed(ctx, lane, error, response);
            }
        };
        if first == Some(0) {
            let error = "the function reported the first record as failed".to_owned();
            return self.failed(ctx, lane, error, response);
        }
        let ends_early = state.is_some_and(|state| self.set_window_state(state));
        match first {
            None => self.succeeded(ctx, lane),
            Some(first) => self.progressed(ctx, lane, first),
        }
        // What is left of the batch begins the window anew, with an empty state.
        if ends_early && let Some(work) = &mut self.lanes[lane].work {
            let (early, at) = (true, ctx.now);
            let end = Piece::window_end(ctx.out.next_batch(), WindowEnd { early, at });
            work.pieces.push_front(end);
        }
    }

    fn succeeded(&mut self, ctx: &mut Context<'_>, lane: usize) {
        self.lanes[lane].problem = None;
        let Some(piece) = self.take_piece(lane) else {
            return;
        };
        ctx.report(Decision::Succeeded {
            batch: piece.id,
            records: piece.batch.items.len(),
        });
        self.settle(lane, &piece.batch.items);
        self.flush_held(ctx, lane);
    }

    /// The records before `first` are done; the rest goes on as a batch of its own, with all of its
    /// retries (recorded: the invocation that made progress does not count).
    fn progressed(&mut self, ctx: &mut Context<'_>, lane: usize, first: usize) {
        let Some(piece) = self.take_piece(lane) else {
            return;
        };
        let records = piece.batch.items.len();
        let id = ctx.out.next_batch();
        let mut rest = Piece::new(id, piece.batch.pick(first..records));
        let wait = ctx.config.backoff.wait(1, &mut ctx.out.random);
        rest.phase = Phase::Waiting(ctx.now + wait);
        self.lanes[lane].problem = Some(format!(
            "the function reported record {} of {records} as failed",
            first + 1
        ));
        let failed_at = rest
            .batch
            .items
            .first()
            .map(|item| item.sequence.to_string());
        ctx.report(Decision::PartlyProcessed {
            batch: piece.id,
            records,
            processed: first,
            remaining: id,
            failed_at: failed_at.unwrap_or_default(),
            retry_ms: millis(wait),
        });
        self.settle(lane, &piece.batch.items[..first]);
        if let Some(work) = &mut self.lanes[lane].work {
            work.pieces.push_front(rest);
        }
        self.flush_held(ctx, lane);
    }

    /// A try failed that counts: the piece is split, sent again, or discarded.
    fn failed(&mut self, ctx: &mut Context<'_>, lane: usize, error: String, response: Response) {
        let error = excerpt(&error, LONGEST_TEXT);
        self.lanes[lane].problem = Some(error.clone());
        let Some(mut piece) = self.take_piece(lane) else {
            return;
        };
        piece.invokes += 1;
        piece.unreached = 0;
        piece.response = Some(response);
        let (batch, records) = (piece.id, piece.batch.items.len());
        let retries_left = ctx
            .config
            .retry
            .maximum_retries
            .map(|most| most.saturating_sub(piece.retries));
        let then = if ctx.config.retry.bisect_on_error && records > 1 {
            self.split(ctx, lane, &piece)
        } else if retries_left == Some(0) {
            AfterFailure::Discard
        } else {
            piece.retries += 1;
            let wait = ctx.config.backoff.wait(piece.retries, &mut ctx.out.random);
            piece.phase = Phase::Waiting(ctx.now + wait);
            AfterFailure::Retry {
                retry_ms: millis(wait),
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
            self.give_up(ctx, lane, piece);
        } else if waits && let Some(work) = &mut self.lanes[lane].work {
            work.pieces.push_front(piece);
        }
    }

    /// Splits a failed piece in two. That uses no retry: each half inherits those used (Lambda developer
    /// guide, "Configure batch splitting": splitting a batch does not count toward the retry quota).
    fn split(&mut self, ctx: &mut Context<'_>, lane: usize, piece: &Piece) -> AfterFailure {
        let records = piece.batch.items.len();
        let at = records / 2;
        let left = piece.part(ctx.out.next_batch(), 0..at);
        let right = piece.part(ctx.out.next_batch(), at..records);
        let into = [left.id, right.id];
        if let Some(work) = &mut self.lanes[lane].work {
            work.pieces.push_front(right);
            work.pieces.push_front(left);
        }
        AfterFailure::Split { into }
    }

    /// The retries of a piece are used up.
    fn give_up(&mut self, ctx: &mut Context<'_>, lane: usize, piece: Piece) {
        let condition = Condition::RetryAttemptsExhausted;
        if piece.ends_window.is_some() {
            return self.drop_window(ctx, condition);
        }
        let (id, invokes, response) = (piece.id, piece.invokes, piece.response);
        self.discard(ctx, lane, id, condition, piece.batch, invokes, response);
    }

    /// The batch did not reach the function. That does not count (Lambda developer guide, "Error
    /// handling": retries of throttled batches do not count toward the limit).
    fn not_reached(&mut self, ctx: &mut Context<'_>, lane: usize, error: InvokeError) {
        let message = excerpt(&error.message, LONGEST_TEXT);
        self.lanes[lane].problem = Some(message.clone());
        let Some(mut piece) = self.take_piece(lane) else {
            return;
        };
        piece.unreached += 1;
        let mut wait = Backoff::INVOKE.wait(piece.unreached, &mut ctx.out.random);
        if let InvokeErrorKind::Throttled {
            retry_after: Some(asked),
        } = error.kind
        {
            wait = wait.max(asked.min(LONGEST_WAIT_ASKED_FOR));
        }
        piece.phase = Phase::Waiting(ctx.now + wait);
        ctx.report(Decision::Deferred {
            batch: piece.id,
            records: piece.batch.items.len(),
            error: message,
            attempts: piece.unreached,
            retry_ms: millis(wait),
        });
        if let Some(work) = &mut self.lanes[lane].work {
            work.pieces.push_front(piece);
        }
        self.flush_held(ctx, lane);
    }

    /// How many tries in a row did not reach the function before the one that ended now.
    fn not_reached_so_far(&self, lane: usize) -> u32 {
        self.lanes[lane].front().map_or(0, |piece| piece.unreached)
    }

    fn take_piece(&mut self, lane: usize) -> Option<Piece> {
        self.lanes[lane].work.as_mut()?.pieces.pop_front()
    }

    pub(super) fn settle(&mut self, lane: usize, items: &[Item]) {
        for item in items {
            self.ledger.settle(lane, item.ordinal);
        }
    }
}

pub(super) fn millis(wait: Duration) -> u64 {
    u64::try_from(wait.as_millis()).unwrap_or(u64::MAX)
}
