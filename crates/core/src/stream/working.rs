//! A lane at work: which batch is next, and sending its pieces one after another.
//!
//! A lane that has something to send lines up for a turn to call the function, and only then is the batch cut
//! and looked at: while it waits, more records may join it, and what grows too old is given up in time.

use std::time::Duration;

use bytes::Bytes;

use super::action::{Action, CallId};
use super::answering::millis;
use super::lane::{Closed, Item, Lane, Phase, Piece, Turn, WindowEnd, Work};
use super::shard::{Context, Out, Shard};
use crate::batching::{Batch, CloseReason};
use crate::decision::{BatchId, Decision};
use crate::on_failure_record::Condition;
use crate::time::Timestamp;

/// What there is to do for a lane.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Next {
    /// Perhaps more.
    More,
    /// It waits for its turn.
    Turn,
    /// Nothing for now that needs a turn.
    Nothing,
}

/// Where a lane's next batch is.
#[derive(Clone, Copy, Debug)]
enum Closes {
    /// It is closed.
    Already,
    /// It is the open one.
    Now(CloseReason),
}

impl Lane {
    /// Takes the next batch. `window` is the tumbling window of the open one.
    fn take(&mut self, closes: Closes, window: Option<Timestamp>) -> Option<Closed> {
        let Closes::Now(reason) = closes else {
            return self.ready.pop_front();
        };
        let batch = self.batcher.close(reason)?;
        Some(Closed { batch, window })
    }

    /// Returns when the first record of the next batch is too old to be sent.
    fn expiry(&self, ctx: &Context<'_>) -> Option<Timestamp> {
        let ready = self.ready.front().map(|closed| &closed.batch.items);
        let first = ready.and_then(|items| items.first());
        let first = first.or_else(|| self.batcher.first())?;
        let limit = ctx.config.retry.maximum_record_age?;
        Some(ctx.clock.outlives(first.arrival, limit))
    }

    /// Leaves the line, or gives the turn back.
    pub(super) fn forgo(&mut self, out: &mut Out) {
        if let Turn::Awaited(turn) | Turn::Come(turn) = std::mem::take(&mut self.turn) {
            out.calls.remove(&turn);
            out.actions.push_back(Action::Forgo { turn });
        }
    }
}

impl Shard {
    /// Goes on with the batch of a lane, or begins the next one.
    pub(super) fn advance_lane(&mut self, ctx: &mut Context<'_>, lane: usize) {
        let last = loop {
            let next = if self.lanes[lane].work.is_some() {
                self.go_on(ctx, lane)
            } else if ctx.draining || !self.lanes[lane].is_free() {
                Next::Nothing
            } else {
                self.begin(ctx, lane)
            };
            if next != Next::More {
                break next;
            }
        };
        if last == Next::Nothing {
            self.lanes[lane].forgo(ctx.out);
        }
    }

    /// Sends the next piece, or ends the batch.
    fn go_on(&mut self, ctx: &mut Context<'_>, lane: usize) -> Next {
        let Some(work) = &self.lanes[lane].work else {
            return Next::Nothing;
        };
        let Some(piece) = work.pieces.front() else {
            self.flush_held(ctx, lane);
            return self.finish(ctx, lane);
        };
        let until = match piece.phase {
            Phase::Invoking => return Next::Nothing,
            Phase::Waiting(until) if until > ctx.now => Some(until),
            Phase::Waiting(_) | Phase::Ready => None,
        };
        if !self.drop_expired(ctx, lane) {
            return Next::More;
        }
        if until.is_none() && self.has_turn(ctx, lane) {
            self.invoke(ctx, lane);
            return Next::More;
        }
        let piece = self.lanes[lane].front();
        let expiry = piece.and_then(|piece| expiry(ctx, piece));
        if let Some(time) = until.into_iter().chain(expiry).min() {
            ctx.wake(time, self.key);
        }
        if until.is_some() {
            Next::Nothing
        } else {
            Next::Turn
        }
    }

    /// Tells whether a lane may call the function now, and else lines up for that.
    fn has_turn(&mut self, ctx: &mut Context<'_>, lane: usize) -> bool {
        if self.lanes[lane].turn == Turn::None {
            let turn = ctx.call(self.key);
            self.lanes[lane].turn = Turn::Awaited(turn);
            ctx.out.actions.push_back(Action::Reserve { turn });
        }
        matches!(self.lanes[lane].turn, Turn::Come(_))
    }

    /// A lane's turn has come.
    pub(super) fn reserved(&mut self, turn: CallId) {
        let mut lanes = self.lanes.iter_mut();
        if let Some(lane) = lanes.find(|lane| lane.turn == Turn::Awaited(turn)) {
            lane.turn = Turn::Come(turn);
        }
    }

    /// Ends a batch of which nothing is left.
    fn finish(&mut self, ctx: &mut Context<'_>, lane: usize) -> Next {
        if self.lanes[lane].deliveries > 0 {
            return Next::Nothing;
        }
        self.lanes[lane].work = None;
        self.lanes[lane].batcher.reopen_window(ctx.now);
        self.lanes[lane].awaits = self.committer.needed();
        Next::More
    }

    /// Begins the next batch of a lane that is free, if there is one.
    fn begin(&mut self, ctx: &mut Context<'_>, lane: usize) -> Next {
        if ctx.config.tumbling().is_some()
            && let Some(early) = self.window_over(ctx)
        {
            let at = ctx.now;
            let piece = Piece::window_end(ctx.out.next_batch(), WindowEnd { early, at });
            self.lanes[lane].work = Some(Work::new(piece, None));
            return Next::More;
        }
        let Some(closes) = self.next_batch(ctx, lane) else {
            return Next::Nothing;
        };
        if !self.has_turn(ctx, lane) {
            // What is too old is not sent, and needs no turn.
            let expiry = self.lanes[lane].expiry(ctx);
            if let Some(expiry) = expiry.filter(|&expiry| expiry > ctx.now) {
                ctx.wake(expiry, self.key);
            }
            if expiry.is_none_or(|expiry| expiry > ctx.now) {
                return Next::Turn;
            }
        }
        let window = self.window.gathering;
        let Some(mut closed) = self.lanes[lane].take(closes, window) else {
            return Next::Nothing;
        };
        let most = ctx.config.limits.count;
        if closed.batch.items.len() > most {
            // The batch size was lowered since.
            let batch = closed.batch.pick(most..closed.batch.items.len());
            closed.batch = closed.batch.pick(0..most);
            let window = closed.window;
            self.lanes[lane].ready.push_front(Closed { batch, window });
        }
        let id = ctx.out.next_batch();
        ctx.report(Decision::BatchClosed {
            batch: id,
            reason: closed.batch.reason,
            records: closed.batch.items.len(),
            bytes: closed.batch.payload().len(),
            message_ids: sequences(ctx.config.detail, &closed.batch),
        });
        self.lanes[lane].work = Some(Work::new(Piece::new(id, closed.batch), closed.window));
        Next::More
    }

    /// Returns which batch is next: the open one only if it is due.
    fn next_batch(&mut self, ctx: &mut Context<'_>, lane: usize) -> Option<Closes> {
        let has_ended = self.reader.has_ended();
        let lane = &mut self.lanes[lane];
        if !lane.ready.is_empty() {
            return Some(Closes::Already);
        }
        lane.batcher.forget_empty_window(ctx.now);
        if lane.batcher.is_empty() {
            return None;
        }
        let end = lane.batcher.window_end().unwrap_or(ctx.now);
        if ctx.config.limits.window.is_zero() {
            Some(Closes::Now(CloseReason::Available))
        } else if end <= ctx.now {
            Some(Closes::Now(CloseReason::Window))
        } else if has_ended {
            Some(Closes::Now(CloseReason::ShardEnd))
        } else {
            ctx.wake(end, self.key);
            None
        }
    }

    /// Splits off and discards the records of the next piece that are too old, or gives up the end of a
    /// window that is. Returns whether anything is left of the piece.
    fn drop_expired(&mut self, ctx: &mut Context<'_>, lane: usize) -> bool {
        let (now, clock) = (ctx.now, *ctx.clock);
        let Some(work) = &mut self.lanes[lane].work else {
            return false;
        };
        let Some(piece) = work.pieces.front_mut() else {
            return false;
        };
        let Some(limit) = age_limit(ctx, piece) else {
            return true;
        };
        if let Some(end) = piece.ends_window {
            let fresh = now.since(end.at) <= limit;
            if !fresh {
                work.pieces.pop_front();
                self.drop_window(ctx, Condition::RecordAgeExceeded);
            }
            return fresh;
        }
        let is_expired = |item: &Item| clock.age(now, item.arrival) > limit;
        let items = &piece.batch.items;
        if !items.iter().any(is_expired) {
            return true;
        }
        let expired: Vec<usize> = (0..items.len())
            .filter(|&at| is_expired(&items[at]))
            .collect();
        let runs: Vec<Batch<Item>> = expired
            .chunk_by(|left, right| left + 1 == *right)
            .map(|run| piece.batch.pick(run.iter().copied()))
            .collect();
        let fresh = (0..items.len()).filter(|at| expired.binary_search(at).is_err());
        let rest = piece.batch.pick(fresh);
        let (id, invokes) = (piece.id, piece.invokes);
        if rest.items.is_empty() {
            work.pieces.pop_front();
        } else {
            piece.batch = rest;
        }
        let left = self.lanes[lane].front().is_some_and(|piece| piece.id == id);
        for run in runs {
            // Recorded: a record that was never sent counts as one invocation.
            let condition = Condition::RecordAgeExceeded;
            self.discard(ctx, lane, id, condition, run, invokes + 1, None);
        }
        left
    }

    /// Sends the next piece to the function.
    fn invoke(&mut self, ctx: &mut Context<'_>, lane: usize) {
        let window = self.lanes[lane].work.as_ref().and_then(|work| work.window);
        if let (Some(start), Some(length)) = (window, ctx.config.tumbling()) {
            self.window.open(start, length);
        }
        let Some(piece) = self.lanes[lane].front() else {
            return;
        };
        let payload = self.payload(ctx, piece);
        let last = piece.batch.items.last().map(|item| item.arrival);
        let Turn::Come(turn) = std::mem::take(&mut self.lanes[lane].turn) else {
            return;
        };
        let Some(piece) = self.lanes[lane].front_mut() else {
            return;
        };
        piece.phase = Phase::Invoking;
        piece.attempt += 1;
        let (id, attempt) = (piece.id, piece.attempt);
        let records = piece.batch.items.len();
        if let (Some(end), Some(window)) = (piece.ends_window, &self.window.open) {
            ctx.report(Decision::WindowEnding {
                shard: self.id.clone(),
                batch: id,
                start_ms: window.start.millis(),
                end_ms: window.end.millis(),
                early: end.early,
            });
        }
        let iterator_age_ms = last.map(|last| millis(ctx.clock.at(ctx.now).since(last)));
        self.iterator_age_ms = iterator_age_ms.or(self.iterator_age_ms);
        ctx.out.flights.insert(id, self.key);
        ctx.report(Decision::Invoked {
            batch: id,
            attempt,
            records,
            iterator_age_ms,
        });
        ctx.out.actions.push_back(Action::Invoke {
            turn,
            batch: id,
            attempt,
            payload,
        });
    }

    fn payload(&self, ctx: &Context<'_>, piece: &Piece) -> Bytes {
        match self.window_tail(ctx.config, piece) {
            Some(tail) => piece.batch.payload_ending_with(&tail),
            None => piece.batch.payload(),
        }
    }

    /// Returns the lane whose piece with the function has this number.
    pub(super) fn lane_of(&self, batch: BatchId) -> Option<usize> {
        self.lanes.iter().position(|lane| {
            let piece = lane.front();
            piece.is_some_and(|piece| piece.id == batch && piece.phase == Phase::Invoking)
        })
    }

    /// Lets go of what a lane has gathered and not invoked: it is still in the stream.
    pub(super) fn abandon(&mut self, ctx: &mut Context<'_>, lane: usize) {
        self.lanes[lane].forgo(ctx.out);
        self.lanes[lane].ready.clear();
        drop(self.lanes[lane].batcher.close(CloseReason::Draining));
        let Some(work) = &mut self.lanes[lane].work else {
            return;
        };
        let invoking = |piece: &Piece| piece.phase == Phase::Invoking;
        work.pieces.retain(invoking);
        if work.pieces.is_empty() {
            self.flush_held(ctx, lane);
            if self.lanes[lane].deliveries == 0 {
                self.lanes[lane].work = None;
            }
        }
    }
}

/// Returns the sequence numbers of a batch's records if decisions are wanted in detail.
fn sequences(detail: bool, batch: &Batch<Item>) -> Vec<String> {
    if !detail {
        return Vec::new();
    }
    let sequence = |item: &Item| item.sequence.to_string();
    batch.items.iter().map(sequence).collect()
}

/// Returns the age beyond which the records of a piece are not sent. What the stream itself keeps them for
/// counts only for a piece that was tried before.
fn age_limit(ctx: &Context<'_>, piece: &Piece) -> Option<Duration> {
    let tried = piece.attempt > 0 || piece.invokes > 0;
    let limits = [
        ctx.config.retry.maximum_record_age,
        ctx.facts.retention.filter(|_| tried),
    ];
    limits.into_iter().flatten().min()
}

/// Returns when the oldest record of a piece is too old to be sent, or the end of a window.
fn expiry(ctx: &Context<'_>, piece: &Piece) -> Option<Timestamp> {
    let limit = age_limit(ctx, piece)?;
    if let Some(end) = piece.ends_window {
        return Some(end.at + limit + Duration::from_millis(1));
    }
    let oldest = piece.batch.items.iter().map(|item| item.arrival).min()?;
    Some(ctx.clock.outlives(oldest, limit))
}
