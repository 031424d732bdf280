//! A lane of a shard: records of the same keys, one batch at a time.
//!
//! A lane that has something to send lines up for a turn to call the function, and only then is the batch cut
//! and looked at: while it waits, more records may join it, and what grows too old is given up in time.
//!
//! The lane owns what it has gathered and the batch that it works on. What is done with for good leaves it as an
//! [`Effect`], in order; the shard settles it, or tells the on-failure destination first. Whether the next batch
//! may begin, the shard says.

mod batch_in_flight;
mod batching_window;
mod bisect;
mod invocation;
mod partial_batch_response;
mod record_age;
mod retry;
mod throttling;

use std::collections::VecDeque;
use std::mem;

use batch_in_flight::{BatchInFlight, Part, Phase};

use super::action::{Action, CallId};
use super::config::{StreamConfig, WindowBegins};
use super::context::Context;
use super::item::Item;
use super::on_failure_destination::GivenUp;
use super::reader::Reading;
use super::tumbling_window::{self, TumblingWindow};
use crate::batching::{Batch, Batcher, CloseReason, Limits, Oversized};
use crate::event::RECORDS;
use crate::time::Timestamp;

/// Something that leaves a lane for good, or that its shard should know.
#[derive(Debug)]
pub(super) enum Effect {
    /// These records are done with.
    Settled(Vec<Item>),
    /// These records are given up: the on-failure destination is told, and then they are done with.
    GivenUp(GivenUp),
    /// A batch went to the function; with the age of its last record, if it has any.
    Sent { iterator_age_ms: Option<u64> },
    /// Nothing is left of the batch. The next one must wait until that is durable.
    BatchEnded,
}

/// What a lane goes by that is not its own.
#[derive(Clone, Copy, Debug)]
pub(super) struct Conditions {
    /// Whether failure records of its batch are still on their way to the destination.
    pub(super) delivering: bool,
    /// Whether what its last batch has settled is not durable yet.
    pub(super) uncommitted: bool,
    /// How far the shard was read.
    pub(super) reading: Reading,
}

/// What has no end, and no tumbling windows.
pub(super) const ENDLESS: Reading = Reading {
    has_ended: false,
    quiet: None,
};

/// What there is to do for a lane.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// Perhaps more.
    More,
    /// It waits for its turn.
    Turn,
    /// Nothing for now that needs a turn.
    Nothing,
}

/// A closed batch that waits for its lane.
#[derive(Debug)]
struct ClosedBatch {
    batch: Batch<Item>,
    /// The start of its tumbling window, if the mapping has them.
    window: Option<Timestamp>,
}

/// Whether a lane may call the function.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Turn {
    #[default]
    None,
    /// It has lined up.
    Awaited(CallId),
    /// It has its turn.
    Come(CallId),
}

/// One lane.
#[derive(Debug)]
pub(super) struct Lane {
    /// The open batch.
    batcher: Batcher<Item>,
    closed: VecDeque<ClosedBatch>,
    /// The batch that it works on: it blocks the lane until everything of it is settled.
    in_flight: Option<BatchInFlight>,
    turn: Turn,
    /// The tumbling windows, if the mapping has them: then the shard has one lane.
    tumbling: TumblingWindow,
    /// Why its last batch failed, until one succeeds.
    problem: Option<String>,
}

impl Lane {
    /// Returns a lane with nothing in it.
    pub(super) fn new(config: &StreamConfig, tumbling: TumblingWindow) -> Self {
        let mut batcher = Batcher::new(config.limits, RECORDS);
        batcher = batcher.reserving(config.encoder.envelope_overhead());
        if config.tumbling().is_some() {
            batcher = batcher.reserving(tumbling_window::RESERVED_BYTES);
        }
        Self {
            batcher,
            closed: VecDeque::new(),
            in_flight: None,
            turn: Turn::None,
            tumbling,
            problem: None,
        }
    }

    /// Tells whether records can be added to a batch that is not sent before them.
    pub(super) fn accepts(&self) -> bool {
        !self.is_working() && self.closed.is_empty()
    }

    /// From the next record on, leaves room for what is added to the open batch when it is sent, and for what would be
    /// added to that record alone.
    pub(super) const fn reserve(&mut self, bytes: usize, alone: usize) {
        self.batcher.reserve(bytes, alone);
    }

    /// Tells whether a record for which `is_it` holds is in the batch that it works on.
    pub(super) fn holds(&self, is_it: impl Fn(&Item) -> bool) -> bool {
        let batch = self.in_flight.as_ref();
        batch.is_some_and(|batch| batch.holds(is_it))
    }

    /// Lets go of records that are somebody else's, but for those that the function has.
    pub(super) fn strip(&mut self, is_lost: impl Fn(&Item) -> bool) {
        if self.batcher.items().iter().any(&is_lost) {
            self.batcher.retain(|item| !is_lost(item));
        }
        for closed in &mut self.closed {
            closed.batch.retain(|item| !is_lost(item));
        }
        self.closed.retain(|closed| !closed.batch.items.is_empty());
        if let Some(batch) = &mut self.in_flight {
            batch.strip(is_lost);
        }
    }

    /// Changes when batches are full; for the records that are gathered from now on.
    pub(super) const fn set_limits(&mut self, limits: Limits) {
        self.batcher.set_limits(limits);
    }

    /// Returns its tumbling windows.
    pub(super) const fn tumbling(&self) -> &TumblingWindow {
        &self.tumbling
    }

    /// Tells whether it works on a batch.
    pub(super) const fn is_working(&self) -> bool {
        self.in_flight.is_some()
    }

    /// Returns how many closed batches wait.
    pub(super) fn waiting(&self) -> usize {
        self.closed.len()
    }

    /// Returns why its last batch failed, until one succeeds.
    pub(super) const fn problem(&self) -> Option<&String> {
        self.problem.as_ref()
    }

    /// Returns what is to be sent again, and with how many tries of it the function has failed; `None` if nothing is, or the
    /// function has it.
    pub(super) fn between_tries(&self) -> Option<(&[Item], u32)> {
        let part = self.front()?;
        part.waits_until()?;
        Some((&part.batch.items, part.invokes))
    }

    /// Returns what the function has.
    pub(super) fn with_function(&self) -> &[Item] {
        match self.front() {
            Some(part) if part.phase == Phase::Invoking => &part.batch.items,
            _ => &[],
        }
    }

    /// Returns when the batch is sent again, if it waits for that.
    pub(super) fn waits_until(&self) -> Option<Timestamp> {
        self.front()?.waits_until()
    }

    /// Tells whether nothing is gathered or under way, and no tumbling window is open.
    pub(super) fn is_empty(&self) -> bool {
        !self.is_working()
            && self.closed.is_empty()
            && self.batcher.is_empty()
            && !self.tumbling.is_open()
    }

    /// Takes note of the arrival of the next record, though it may be one that no filter lets pass: it closes the
    /// open batch if it belongs to another tumbling window.
    pub(super) fn note_arrival(&mut self, config: &StreamConfig, arrival: Timestamp) {
        let Some(length) = config.tumbling() else {
            return;
        };
        if let Some(window) = self.tumbling.note_arrival(arrival, length)
            && let Some(batch) = self.batcher.close(CloseReason::TumblingWindow)
        {
            self.closed.push_back(ClosedBatch { batch, window });
        }
    }

    /// Adds a record to the open batch, written by `encode`, which returns how much of it it has not written.
    ///
    /// # Errors
    /// Returns it if it is too large for any event.
    pub(super) fn gather(
        &mut self,
        now: Timestamp,
        item: Item,
        encode: impl FnOnce(&mut Vec<u8>) -> usize,
    ) -> Result<(), Oversized<Item>> {
        self.batcher.forget_empty_window(now);
        if let Some(batch) = self
            .batcher
            .push_measured(now, item, |_, out| encode(out))?
        {
            let window = self.tumbling.gathering();
            self.closed.push_back(ClosedBatch { batch, window });
        }
        Ok(())
    }

    /// Goes on with the batch, or begins the next one: one step.
    pub(super) fn advance(
        &mut self,
        ctx: &mut Context<'_>,
        conditions: Conditions,
        effects: &mut Vec<Effect>,
    ) -> Next {
        if self.is_working() {
            self.go_on(ctx, conditions, effects)
        } else if ctx.draining || conditions.delivering || conditions.uncommitted {
            Next::Nothing
        } else {
            self.begin(ctx, conditions.reading)
        }
    }

    /// Sends the next part of the batch, or ends it.
    fn go_on(
        &mut self,
        ctx: &mut Context<'_>,
        conditions: Conditions,
        effects: &mut Vec<Effect>,
    ) -> Next {
        let Some(part) = self.front() else {
            return self.end_batch(ctx, conditions, effects);
        };
        let until = match part.phase {
            Phase::Invoking => return Next::Nothing,
            Phase::Waiting(until) if until > ctx.now => Some(until),
            Phase::Waiting(_) | Phase::Ready => None,
        };
        // The destination is told of what is too old before the rest is sent.
        if !self.drop_expired(ctx, effects) || !effects.is_empty() {
            return Next::More;
        }
        if until.is_none() && self.has_turn(ctx) {
            self.invoke(ctx, effects);
            return Next::More;
        }
        let expiry = self.front().and_then(|part| record_age::expiry(ctx, part));
        if let Some(time) = until.into_iter().chain(expiry).min() {
            ctx.wake(time);
        }
        if until.is_some() {
            Next::Nothing
        } else {
            Next::Turn
        }
    }

    /// Ends a batch of which nothing is left, once the destination has been told.
    fn end_batch(
        &mut self,
        ctx: &Context<'_>,
        conditions: Conditions,
        effects: &mut Vec<Effect>,
    ) -> Next {
        if self.tell_given_up(effects) {
            return Next::More;
        }
        if conditions.delivering {
            return Next::Nothing;
        }
        self.in_flight = None;
        if ctx.config.window_begins == WindowBegins::AfterInvocation {
            self.batcher.reopen_window(ctx.now);
        }
        effects.push(Effect::BatchEnded);
        Next::More
    }

    /// Lets the records go that were given up and waited for neighbours. Returns whether there were any.
    fn tell_given_up(&mut self, effects: &mut Vec<Effect>) -> bool {
        let given_up = self
            .in_flight
            .as_mut()
            .and_then(BatchInFlight::take_given_up);
        let any = given_up.is_some();
        effects.extend(given_up.map(Effect::GivenUp));
        any
    }

    /// Gives up records of the batch. Those whose retries are used up wait for their neighbours: what a split has
    /// taken apart is told as one (CloudFormation reference, `BisectBatchOnFunctionError`).
    fn give_up(&mut self, given_up: GivenUp, effects: &mut Vec<Effect>) {
        match &mut self.in_flight {
            Some(batch) if given_up.waits_for_neighbours() => batch.give_up(given_up),
            _ => {
                self.tell_given_up(effects);
                effects.push(Effect::GivenUp(given_up));
            }
        }
    }

    /// Lets go of what was gathered and not invoked, and of what waits for a retry: it is still in the stream.
    pub(super) fn abandon(&mut self, ctx: &mut Context<'_>, effects: &mut Vec<Effect>) {
        self.forgo_turn(ctx);
        self.closed.clear();
        drop(self.batcher.close(CloseReason::Draining));
        if let Some(batch) = &mut self.in_flight {
            batch.keep_invoked();
            if batch.is_empty() {
                self.tell_given_up(effects);
            }
        }
    }

    /// Lets go of a batch of which nothing is left, after [`abandon`](Self::abandon).
    pub(super) fn let_go(&mut self) {
        self.in_flight.take_if(|batch| batch.is_empty());
    }

    /// Returns the part that is next, or is with the function.
    fn front(&self) -> Option<&Part> {
        self.in_flight.as_ref()?.front()
    }

    fn take_part(&mut self) -> Option<Part> {
        self.in_flight.as_mut()?.take()
    }

    /// Puts a part before all others of the batch.
    fn put_back(&mut self, part: Part) {
        if let Some(batch) = &mut self.in_flight {
            batch.put_back(part);
        }
    }

    /// Tells whether it may call the function now, and else lines up for that.
    fn has_turn(&mut self, ctx: &mut Context<'_>) -> bool {
        if self.turn == Turn::None {
            let turn = ctx.call();
            self.turn = Turn::Awaited(turn);
            ctx.act(Action::Reserve { turn });
        }
        matches!(self.turn, Turn::Come(_))
    }

    /// A turn has come: this lane's, if it waits for it.
    pub(super) fn reserved(&mut self, turn: CallId) {
        if self.turn == Turn::Awaited(turn) {
            self.turn = Turn::Come(turn);
        }
    }

    /// Leaves the line, or gives the turn back.
    pub(super) fn forgo_turn(&mut self, ctx: &mut Context<'_>) {
        if let Turn::Awaited(turn) | Turn::Come(turn) = mem::take(&mut self.turn) {
            ctx.hang_up(turn);
            ctx.act(Action::Forgo { turn });
        }
    }
}

/// Returns the sequence numbers of a batch's records if decisions are wanted in detail.
fn sequences(detail: bool, batch: &Batch<Item>) -> Vec<String> {
    if !detail {
        return Vec::new();
    }
    let sequence = |item: &Item| item.place.to_string();
    batch.items.iter().map(sequence).collect()
}
