//! Tumbling windows: which one a record belongs to, the function's state, and when one is over (Lambda
//! developer guide, "Implementing stateful processing with tumbling windows").

use std::sync::Arc;
use std::time::Duration;

use serde_json::value::RawValue;

use super::checkpoint::KeptWindow;
use super::config::StreamConfig;
use super::lane::Piece;
use super::shard::{Context, Shard};
use crate::batching::MAX_PAYLOAD_BYTES;
use crate::decision::Decision;
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
pub(super) fn start_of(arrival: Timestamp, length: Duration) -> Timestamp {
    let length = i64::try_from(length.as_millis()).unwrap_or(i64::MAX).max(1);
    Timestamp(arrival.millis().div_euclid(length) * length)
}

/// An open window: the function has had records of it, or will have the first ones next.
#[derive(Clone, Debug)]
pub(super) struct OpenWindow {
    pub(super) start: Timestamp,
    pub(super) end: Timestamp,
    /// The JSON object that the function returned last; `{}` at first.
    pub(super) state: Arc<RawValue>,
}

/// The windows of a shard.
#[derive(Debug)]
pub(super) struct Window {
    /// The window of the record that was read last. Later records belong to it or to a later one.
    pub(super) gathering: Option<Timestamp>,
    /// The window before that one.
    pub(super) before: Option<Timestamp>,
    pub(super) open: Option<OpenWindow>,
}

impl Window {
    pub(super) fn new(kept: Option<KeptWindow>) -> Self {
        let open = kept.map(|kept| OpenWindow {
            start: Timestamp(kept.start),
            end: Timestamp(kept.end),
            state: kept.state,
        });
        Self {
            gathering: open.as_ref().map(|open| open.start),
            before: None,
            open,
        }
    }

    /// Takes note of the window of the next record. Returns whether it is another one than that of the
    /// record before.
    pub(super) fn gather(&mut self, window: Timestamp) -> bool {
        let opens = Some(window) > self.gathering;
        if opens {
            self.before = self.gathering;
            self.gathering = Some(window);
        }
        opens
    }

    /// Opens the window that starts at `start`, unless it is open.
    pub(super) fn open(&mut self, start: Timestamp, length: Duration) {
        self.open.get_or_insert_with(|| OpenWindow {
            start,
            end: start + length,
            state: empty_state().into(),
        });
    }

    pub(super) fn kept(&self) -> Option<KeptWindow> {
        self.open.as_ref().map(|open| KeptWindow {
            start: open.start.millis(),
            end: open.end.millis(),
            state: open.state.clone(),
        })
    }
}

impl Shard {
    /// Returns whether the open window is over, with nothing of it left in the lane: `Some(early)` with
    /// whether it ends before its time.
    pub(super) fn window_over(&self, ctx: &mut Context<'_>) -> Option<bool> {
        let open = self.window.open.as_ref()?;
        if open.state.get().len() > MAX_STATE_BYTES {
            return Some(true);
        }
        let lane = self.lanes.first()?;
        let next = match lane.ready.front() {
            Some(closed) => closed.window,
            None => self.window.gathering,
        };
        if next > Some(open.start) {
            return Some(false);
        }
        if !lane.ready.is_empty() || !lane.batcher.is_empty() {
            return None;
        }
        if self.reader.has_ended() {
            return Some(ctx.clock.at(ctx.now) < open.end);
        }
        let quiet = self.reader.quiet?;
        let end = ctx.clock.engine(ctx.clock.over(open.end));
        match ctx.config.pacing {
            Pacing::Aws => {
                let over = end + IDLE_WAIT;
                if ctx.now < over {
                    ctx.wake(over, self.key);
                }
                (ctx.now >= over && quiet.covers(end, IDLE_WAIT)).then_some(false)
            }
            Pacing::Eager => quiet.covers(end + EAGER_WAIT, EAGER_WAIT).then_some(false),
        }
    }

    /// Returns what follows the records in an event of the open window.
    pub(super) fn window_tail(&self, config: &StreamConfig, piece: &Piece) -> Option<Vec<u8>> {
        let open = self.window.open.as_ref()?;
        let mut tail = Vec::with_capacity(512 + open.state.get().len());
        let parts = WindowTail {
            start: open.start,
            end: open.end,
            state: &open.state,
            shard: &self.id,
            event_source_arn: &config.stream_arn,
            is_final_invoke: piece.ends_window.is_some(),
            is_terminated_early: piece.ends_window.is_some_and(|end| end.early),
        };
        parts.write(&mut tail);
        Some(tail)
    }

    /// Gives up the open window: its final invocation failed for good.
    pub(super) fn drop_window(&mut self, ctx: &mut Context<'_>, condition: Condition) {
        if let Some(window) = self.window.open.take() {
            ctx.report(Decision::WindowDropped {
                shard: self.id.clone(),
                start_ms: window.start.millis(),
                end_ms: window.end.millis(),
                condition,
            });
        }
    }

    /// Takes the state that the function returned. Returns whether it ends the window early.
    pub(super) fn set_window_state(&mut self, state: Box<RawValue>) -> bool {
        let too_large = state.get().len() > MAX_STATE_BYTES;
        if let Some(open) = &mut self.window.open {
            open.state = state.into();
        }
        too_large
    }
}
