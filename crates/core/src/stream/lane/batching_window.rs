//! Which batch is next: closed by its count, its size or its tumbling window already, or the open one when its
//! batching window ends (Lambda developer guide, "Batching behavior"). Each lane has a window of its own.

use super::batch_in_flight::{BatchInFlight, Part};
use super::{ClosedBatch, Lane, Next, sequences};
use crate::batching::CloseReason;
use crate::decision::Decision;
use crate::stream::config::WindowBegins;
use crate::stream::context::Context;
use crate::stream::reader::Reading;
use crate::stream::tumbling_window::WindowEnd;

/// Where a lane's next batch is.
#[derive(Clone, Copy, Debug)]
enum Closes {
    /// It is closed.
    Already,
    /// It is the open one.
    Now(CloseReason),
}

impl Lane {
    /// Begins the next batch, if there is one.
    pub(super) fn begin(&mut self, ctx: &mut Context<'_>, reading: Reading) -> Next {
        if let Some(early) = self.window_over(ctx, reading) {
            let at = ctx.now;
            let part = Part::window_end(ctx.shared.next_batch(), WindowEnd { early, at });
            self.in_flight = Some(BatchInFlight::new(part, None));
            return Next::More;
        }
        let Some(closes) = self.next_batch(ctx, reading) else {
            return Next::Nothing;
        };
        if !self.has_turn(ctx) {
            // What is too old is not sent, and needs no turn.
            let expiry = self.expiry(ctx);
            if let Some(expiry) = expiry.filter(|&expiry| expiry > ctx.now) {
                ctx.wake(expiry);
            }
            if expiry.is_none_or(|expiry| expiry > ctx.now) {
                return Next::Turn;
            }
        }
        let Some(mut closed) = self.take(closes) else {
            return Next::Nothing;
        };
        let most = ctx.config.limits.count;
        if closed.batch.items.len() > most {
            // The batch size was lowered since.
            let batch = closed.batch.pick(most..closed.batch.items.len());
            closed.batch = closed.batch.pick(0..most);
            let window = closed.window;
            self.closed.push_front(ClosedBatch { batch, window });
        }
        let id = ctx.shared.next_batch();
        if ctx.config.window_begins == WindowBegins::AfterBatch {
            self.batcher.reopen_window(ctx.now);
        }
        ctx.report(Decision::BatchClosed {
            batch: id,
            shard: Some(ctx.shard.clone()),
            reason: closed.batch.reason,
            records: closed.batch.items.len(),
            bytes: closed.batch.event_bytes(),
            message_ids: sequences(ctx.config.detail, &closed.batch),
        });
        let part = Part::new(id, closed.batch);
        self.in_flight = Some(BatchInFlight::new(part, closed.window));
        Next::More
    }

    /// Returns which batch is next: the open one only if it is due.
    fn next_batch(&mut self, ctx: &mut Context<'_>, reading: Reading) -> Option<Closes> {
        if !self.closed.is_empty() {
            return Some(Closes::Already);
        }
        self.batcher.forget_empty_window(ctx.now);
        if self.batcher.is_empty() {
            return None;
        }
        let end = self.batcher.window_end().unwrap_or(ctx.now);
        if ctx.config.limits.window.is_zero() {
            Some(Closes::Now(CloseReason::Available))
        } else if end <= ctx.now {
            Some(Closes::Now(CloseReason::Window))
        } else if reading.has_ended {
            Some(Closes::Now(CloseReason::ShardEnd))
        } else {
            ctx.wake(end);
            None
        }
    }

    fn take(&mut self, closes: Closes) -> Option<ClosedBatch> {
        let Closes::Now(reason) = closes else {
            return self.closed.pop_front();
        };
        let batch = self.batcher.close(reason)?;
        let window = self.tumbling.gathering();
        Some(ClosedBatch { batch, window })
    }

    /// Tells whether the open tumbling window is over, with nothing of it left here, and then whether it ends
    /// before its time.
    fn window_over(&self, ctx: &mut Context<'_>, reading: Reading) -> Option<bool> {
        let next = match self.closed.front() {
            Some(closed) => closed.window,
            None => self.tumbling.gathering(),
        };
        let is_empty = self.closed.is_empty() && self.batcher.is_empty();
        self.tumbling.is_over(ctx, next, is_empty, reading)
    }
}
