//! A lane of a shard: records of the same keys, one batch at a time.

use std::collections::VecDeque;
use std::sync::Arc;

use super::action::CallId;
use super::config::StreamConfig;
use super::discarding::Discard;
use super::ledger::Ordinal;
use super::window;
use crate::batching::{Batch, Batcher, CloseReason};
use crate::decision::BatchId;
use crate::event::RECORDS;
use crate::response::Run;
use crate::time::Timestamp;

/// What the machine remembers of a record in a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Item {
    pub(super) ordinal: Ordinal,
    pub(super) sequence: Arc<str>,
    pub(super) arrival: Timestamp,
}

/// A closed batch that waits for its lane.
#[derive(Debug)]
pub(super) struct Closed {
    pub(super) batch: Batch<Item>,
    /// The start of its tumbling window, if the mapping has them.
    pub(super) window: Option<Timestamp>,
}

/// A batch or a part of it, on its way through the function.
#[derive(Debug)]
pub(super) struct Piece {
    pub(super) id: BatchId,
    pub(super) batch: Batch<Item>,
    /// For the final invocation of a tumbling window, which has no records.
    pub(super) ends_window: Option<WindowEnd>,
    /// How many retries its records have used since they last made progress.
    pub(super) retries: u32,
    /// How many invocations reached the function with its records since they last made progress.
    pub(super) invokes: u32,
    /// How many tries in a row did not reach the function.
    pub(super) unreached: u32,
    /// The number of the try that is under way, or was last.
    pub(super) attempt: u32,
    /// What the function answered last.
    pub(super) response: Option<Response>,
    pub(super) phase: Phase,
}

/// The end of a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct WindowEnd {
    /// Whether it comes before its time.
    pub(super) early: bool,
    /// When it came, by the engine's clock: its age counts from here.
    pub(super) at: Timestamp,
}

/// What the function answered to a failed try.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Response {
    pub(super) status_code: u16,
    pub(super) function_error: Option<&'static str>,
    pub(super) run: Run,
}

impl Response {
    /// The function ran and failed (recorded: `Unhandled` whatever the error, with status 200).
    pub(super) const fn unhandled(run: Run) -> Self {
        Self {
            status_code: 200,
            function_error: Some("Unhandled"),
            run,
        }
    }

    /// The function answered, but not that the batch succeeded (recorded: `null`).
    pub(super) const fn answered(run: Run) -> Self {
        Self {
            status_code: 200,
            function_error: None,
            run,
        }
    }

    /// The backend did not take the call.
    pub(super) const fn refused(status: u16, run: Run) -> Self {
        Self {
            status_code: status,
            function_error: None,
            run,
        }
    }
}

/// Where a piece is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// It may be sent.
    Ready,
    /// The function has it.
    Invoking,
    /// It is sent again at this time.
    Waiting(Timestamp),
}

impl Piece {
    pub(super) const fn new(id: BatchId, batch: Batch<Item>) -> Self {
        Self {
            id,
            batch,
            ends_window: None,
            retries: 0,
            invokes: 0,
            unreached: 0,
            attempt: 0,
            response: None,
            phase: Phase::Ready,
        }
    }

    /// Returns the final invocation of a window.
    pub(super) fn window_end(id: BatchId, end: WindowEnd) -> Self {
        let batch = Batch::empty(RECORDS, CloseReason::TumblingWindow);
        Self {
            ends_window: Some(end),
            ..Self::new(id, batch)
        }
    }

    /// Returns when it is sent again, if it waits for that.
    pub(super) const fn waits_until(&self) -> Option<Timestamp> {
        match self.phase {
            Phase::Waiting(until) => Some(until),
            Phase::Ready | Phase::Invoking => None,
        }
    }

    /// Returns a part of this piece, with what its records have been through.
    pub(super) fn part(&self, id: BatchId, indexes: std::ops::Range<usize>) -> Self {
        Self {
            retries: self.retries,
            invokes: self.invokes,
            response: self.response.clone(),
            ..Self::new(id, self.batch.pick(indexes))
        }
    }
}

/// A batch with all that became of it: it blocks its lane until everything is settled.
#[derive(Debug)]
pub(super) struct Work {
    /// What is left of it, in order. Only the first piece is ever with the function.
    pub(super) pieces: VecDeque<Piece>,
    /// Discarded records that the next piece might join.
    pub(super) held: Option<Discard>,
    /// The start of its tumbling window, if the mapping has them.
    pub(super) window: Option<Timestamp>,
}

impl Work {
    pub(super) fn new(piece: Piece, window: Option<Timestamp>) -> Self {
        Self {
            pieces: VecDeque::from([piece]),
            held: None,
            window,
        }
    }
}

/// Whether a lane may call the function.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Turn {
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
    pub(super) batcher: Batcher<Item>,
    pub(super) ready: VecDeque<Closed>,
    pub(super) work: Option<Work>,
    pub(super) turn: Turn,
    /// How many of its failure records are on the way to the destination.
    pub(super) deliveries: usize,
    /// Why its last batch failed, until one succeeds.
    pub(super) problem: Option<String>,
    /// The commit that must be durable before the next batch begins.
    pub(super) awaits: Option<u64>,
}

impl Lane {
    pub(super) fn new(config: &StreamConfig) -> Self {
        let mut batcher = Batcher::new(config.limits, RECORDS);
        if config.tumbling().is_some() {
            batcher = batcher.reserving(window::RESERVED_BYTES);
        }
        Self {
            batcher,
            ready: VecDeque::new(),
            work: None,
            turn: Turn::None,
            deliveries: 0,
            problem: None,
            awaits: None,
        }
    }

    /// Returns the piece that is next, or is with the function.
    pub(super) fn front(&self) -> Option<&Piece> {
        self.work.as_ref()?.pieces.front()
    }

    pub(super) fn front_mut(&mut self) -> Option<&mut Piece> {
        self.work.as_mut()?.pieces.front_mut()
    }

    /// Tells whether a next batch could begin.
    pub(super) const fn is_free(&self) -> bool {
        self.work.is_none() && self.deliveries == 0 && self.awaits.is_none()
    }

    /// Tells whether nothing is gathered or under way.
    pub(super) fn is_empty(&self) -> bool {
        self.work.is_none() && self.ready.is_empty() && self.batcher.is_empty()
    }
}
