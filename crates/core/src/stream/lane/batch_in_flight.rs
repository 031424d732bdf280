//! A batch with all that became of it.

use std::collections::VecDeque;

use super::super::item::Item;
use super::super::on_failure_destination::GivenUp;
use super::super::tumbling_window::WindowEnd;
use crate::batching::{Batch, CloseReason};
use crate::decision::BatchId;
use crate::event::RECORDS;
use crate::on_failure_record::FailedResponse;
use crate::time::Timestamp;

/// A batch on its way through the function, in parts: one, until it is split.
#[derive(Debug)]
pub(super) struct BatchInFlight {
    /// What is left of it, in order. Only the first part is ever with the function.
    parts: VecDeque<Part>,
    /// Records given up that the next part might join.
    given_up: Option<GivenUp>,
    /// The start of its tumbling window, if the mapping has them.
    pub(super) window: Option<Timestamp>,
}

impl BatchInFlight {
    pub(super) fn new(part: Part, window: Option<Timestamp>) -> Self {
        Self {
            parts: VecDeque::from([part]),
            given_up: None,
            window,
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.parts.is_empty()
    }

    pub(super) fn front(&self) -> Option<&Part> {
        self.parts.front()
    }

    pub(super) fn front_mut(&mut self) -> Option<&mut Part> {
        self.parts.front_mut()
    }

    pub(super) fn take(&mut self) -> Option<Part> {
        self.parts.pop_front()
    }

    pub(super) fn put_back(&mut self, part: Part) {
        self.parts.push_front(part);
    }

    /// Lets go of the parts that the function does not have.
    pub(super) fn keep_invoked(&mut self) {
        self.parts.retain(|part| part.phase == Phase::Invoking);
    }

    /// Tells whether a record for which `is_it` holds is among what is left, or waits for its neighbours.
    pub(super) fn holds(&self, is_it: impl Fn(&Item) -> bool) -> bool {
        let parts = self.parts.iter().flat_map(|part| &part.batch.items);
        let given_up = self.given_up.iter().flat_map(GivenUp::items);
        parts.chain(given_up).any(is_it)
    }

    /// Lets go of records that are somebody else's, but for those that the function has.
    pub(super) fn strip(&mut self, is_lost: impl Fn(&Item) -> bool) {
        self.parts.retain_mut(|part| {
            if part.phase == Phase::Invoking || part.ends_window.is_some() {
                return true;
            }
            part.batch.retain(|item| !is_lost(item));
            !part.batch.items.is_empty()
        });
        self.given_up.take_if(|given_up| !given_up.strip(&is_lost));
    }

    /// Keeps records that were given up until it is known whether their neighbours are too.
    pub(super) fn give_up(&mut self, given_up: GivenUp) {
        match &mut self.given_up {
            None => self.given_up = Some(given_up),
            Some(before) => before.join(given_up),
        }
    }

    pub(super) const fn take_given_up(&mut self) -> Option<GivenUp> {
        self.given_up.take()
    }
}

/// A batch or a part of it.
#[derive(Debug)]
pub(super) struct Part {
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
    pub(super) response: Option<FailedResponse>,
    pub(super) phase: Phase,
}

/// Where a part is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// It may be sent.
    Ready,
    /// The function has it.
    Invoking,
    /// It is sent again at this time.
    Waiting(Timestamp),
}

impl Part {
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

    /// Returns the final invocation of a tumbling window.
    pub(super) fn window_end(id: BatchId, end: WindowEnd) -> Self {
        let batch = Batch::empty(RECORDS, CloseReason::TumblingWindow);
        Self {
            ends_window: Some(end),
            ..Self::new(id, batch)
        }
    }

    /// Returns some records of this part, with what they have been through.
    pub(super) fn some(&self, id: BatchId, indexes: std::ops::Range<usize>) -> Self {
        Self {
            retries: self.retries,
            invokes: self.invokes,
            response: self.response.clone(),
            ..Self::new(id, self.batch.pick(indexes))
        }
    }

    /// Returns when it is sent again, if it waits for that.
    pub(super) const fn waits_until(&self) -> Option<Timestamp> {
        match self.phase {
            Phase::Waiting(until) => Some(until),
            Phase::Ready | Phase::Invoking => None,
        }
    }
}
