//! Tumbling windows: which one a record belongs to, the function's state, and when one is over (Lambda
//! developer guide, "Implementing stateful processing with tumbling windows").
//!
//! A mapping with tumbling windows has one lane a shard, which owns them.

use std::sync::Arc;
use std::time::Duration;

use serde_json::value::RawValue;

use super::checkpoint::KeptWindow;
use super::context::Context;
use super::reader::Reading;
use crate::batching::MAX_PAYLOAD_BYTES;
use crate::decision::{BatchId, Decision};
use crate::event::window::{WindowTail, empty_state};
use crate::on_failure_record::Condition;
use crate::pacing::Pacing;
use crate::time::Timestamp;

/// The largest state of a window; a larger one ends the window early.
pub const MAX_STATE_BYTES: usize = 1024 * 1024;
/// The largest state that an event can carry: the final invocation takes it along.
pub(super) const MAX_SENT_STATE_BYTES: usize = MAX_PAYLOAD_BYTES - 4096;
/// What an event keeps free for the state and the other members of a window.
pub(super) const RESERVED_BYTES: usize = MAX_STATE_BYTES + 1024;
/// How long Lambda waits for further records after a window's end.
const IDLE_WAIT: Duration = Duration::from_secs(2 * 60);
/// With eager pacing a window is over when a shard that is read so long after its end holds nothing.
const EAGER_WAIT: Duration = Duration::from_secs(1);

/// Returns the start of the window in which `arrival` lies: windows follow each other from the epoch on.
fn start_of(arrival: Timestamp, length: Duration) -> Timestamp {
    let length = i64::try_from(length.as_millis()).unwrap_or(i64::MAX).max(1);
    Timestamp(arrival.millis().div_euclid(length) * length)
}

/// The end of a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct WindowEnd {
    /// Whether it comes before its time.
    pub(super) early: bool,
    /// When it came, by the engine's clock: its age counts from here.
    pub(super) at: Timestamp,
}

/// An open window: the function has had records of it, or will have the first ones next.
#[derive(Clone, Debug)]
struct OpenWindow {
    start: Timestamp,
    end: Timestamp,
    /// The JSON object that the function returned last; `{}` at first.
    state: Arc<RawValue>,
}

/// The windows of a shard.
#[derive(Debug)]
pub(super) struct TumblingWindow {
    /// The window of the record that was read last. Later records belong to it or to a later one.
    gathering: Option<Timestamp>,
    open: Option<OpenWindow>,
}

impl TumblingWindow {
    /// Returns the windows of a shard that goes on with the one that was kept.
    pub(super) fn new(kept: Option<KeptWindow>) -> Self {
        let open = kept.map(|kept| OpenWindow {
            start: Timestamp(kept.start),
            end: Timestamp(kept.end),
            state: kept.state,
        });
        Self {
            gathering: open.as_ref().map(|open| open.start),
            open,
        }
    }

    /// Returns the start of the window whose records are gathered.
    pub(super) const fn gathering(&self) -> Option<Timestamp> {
        self.gathering
    }

    /// Tells whether a window is open: its final invocation is still to come.
    pub(super) const fn is_open(&self) -> bool {
        self.open.is_some()
    }

    /// Takes note of the arrival of the next record. If it belongs to another window than those before it, returns
    /// which window theirs is, if there were any.
    pub(super) fn note_arrival(
        &mut self,
        arrival: Timestamp,
        length: Duration,
    ) -> Option<Option<Timestamp>> {
        let window = Some(start_of(arrival, length));
        (window > self.gathering).then(|| std::mem::replace(&mut self.gathering, window))
    }

    /// Opens the window that starts at `start`, unless it is open.
    pub(super) fn open(&mut self, start: Timestamp, length: Duration) {
        self.open.get_or_insert_with(|| OpenWindow {
            start,
            end: start + length,
            state: empty_state().into(),
        });
    }

    /// Closes the open window: its final invocation is done.
    pub(super) fn close(&mut self) {
        self.open = None;
    }

    /// Returns the open window as it is kept with a checkpoint.
    pub(super) fn kept(&self) -> Option<KeptWindow> {
        self.open.as_ref().map(|open| KeptWindow {
            start: open.start.millis(),
            end: open.end.millis(),
            state: open.state.clone(),
        })
    }

    /// Tells whether the open window is over, and then whether it ends before its time. `next` is the window of the
    /// records that come next, and `is_empty` tells that there are none yet.
    pub(super) fn is_over(
        &self,
        ctx: &mut Context<'_>,
        next: Option<Timestamp>,
        is_empty: bool,
        reading: Reading,
    ) -> Option<bool> {
        let open = self.open.as_ref()?;
        if open.state.get().len() > MAX_STATE_BYTES {
            return Some(true);
        }
        if next > Some(open.start) {
            return Some(false);
        }
        if !is_empty {
            return None;
        }
        if reading.has_ended {
            return Some(ctx.clock.at(ctx.now) < open.end);
        }
        let quiet = reading.quiet?;
        let end = ctx.clock.engine(ctx.clock.over(open.end));
        match ctx.config.pacing {
            Pacing::Aws => {
                let over = end + IDLE_WAIT;
                if ctx.now < over {
                    ctx.wake(over);
                }
                (ctx.now >= over && quiet.covers(end, IDLE_WAIT)).then_some(false)
            }
            Pacing::Eager => quiet.covers(end + EAGER_WAIT, EAGER_WAIT).then_some(false),
        }
    }

    /// Returns what follows the records in an event of the open window; `None` if there is none.
    pub(super) fn event_tail(&self, ctx: &Context<'_>, end: Option<WindowEnd>) -> Option<Vec<u8>> {
        let open = self.open.as_ref()?;
        let mut tail = Vec::with_capacity(512 + open.state.get().len());
        let parts = WindowTail {
            start: open.start,
            end: open.end,
            state: &open.state,
            shard: &ctx.shard,
            event_source_arn: &ctx.config.stream_arn,
            is_final_invoke: end.is_some(),
            is_terminated_early: end.is_some_and(|end| end.early),
        };
        parts.write(&mut tail);
        Some(tail)
    }

    /// Tells of the final invocation of the open window.
    pub(super) fn tell_end(&self, ctx: &mut Context<'_>, batch: BatchId, end: WindowEnd) {
        if let Some(window) = &self.open {
            ctx.report(Decision::WindowEnding {
                shard: ctx.shard.clone(),
                batch,
                start_ms: window.start.millis(),
                end_ms: window.end.millis(),
                early: end.early,
            });
        }
    }

    /// Gives up the open window: its final invocation failed for good.
    pub(super) fn give_up(&mut self, ctx: &mut Context<'_>, condition: Condition) {
        if let Some(window) = self.open.take() {
            ctx.report(Decision::WindowDropped {
                shard: ctx.shard.clone(),
                start_ms: window.start.millis(),
                end_ms: window.end.millis(),
                condition,
            });
        }
    }

    /// Takes the state that the function returned. Returns whether it ends the window early.
    pub(super) fn set_state(&mut self, state: Box<RawValue>) -> bool {
        let too_large = state.get().len() > MAX_STATE_BYTES;
        if let Some(open) = &mut self.open {
            open.state = state.into();
        }
        too_large
    }
}
