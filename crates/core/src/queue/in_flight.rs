//! Batches in flight: closed, on their way through the function, until their last deletion is answered.

use std::collections::{BTreeMap, VecDeque};

use super::delivery::Delivery;
use super::fifo_group::{self, Groups};
use super::share_group::Tries;
use crate::batching::Batch;
use crate::decision::BatchId;
use crate::time::Timestamp;

/// Where a closed batch is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// For a slot.
    Waiting,
    /// For its turn to call the function.
    Reserving,
    /// The function has it.
    Invoking,
    /// It did not reach the function, and is tried again at `retry_at`.
    BackingOff { retry_at: Timestamp },
    /// `pending` settle calls are not yet answered.
    Settling { pending: usize },
}

/// A closed batch.
#[derive(Debug)]
pub(super) struct Flight {
    pub(super) batch: Batch<Delivery>,
    /// The message groups it keeps to itself until it ends; empty unless the queue is FIFO.
    pub(super) groups: Groups,
    pub(super) phase: Phase,
    pub(super) attempt: u32,
    /// When the last try began.
    pub(super) invoked_at: Timestamp,
    /// Whether one of its messages was received again since.
    pub(super) overtaken: bool,
    /// Of a share group, what the function has made of it.
    pub(super) tries: Tries,
}

impl Flight {
    /// Returns a batch that waits for a slot.
    fn new(batch: Batch<Delivery>, tries: Tries) -> Self {
        Self {
            groups: fifo_group::of(&batch.items),
            batch,
            phase: Phase::Waiting,
            attempt: 0,
            invoked_at: Timestamp::default(),
            overtaken: false,
            tries,
        }
    }

    /// Takes deliveries out of a batch that the function does not have, and with them their groups.
    pub(super) fn withdraw(
        &mut self,
        mut is_wanted: impl FnMut(&Delivery) -> bool,
    ) -> Vec<Delivery> {
        let withdrawn = self.batch.retain(|delivery| !is_wanted(delivery));
        if !withdrawn.is_empty() {
            self.groups = fifo_group::of(&self.batch.items);
        }
        withdrawn
    }

    /// Tells whether the batch holds a slot.
    const fn holds_slot(&self) -> bool {
        !matches!(self.phase, Phase::Waiting)
    }
}

/// The closed batches of a mapping.
///
/// `waiting` names those in [`Phase::Waiting`]; all others hold a slot and are counted by `running`, those in
/// [`Phase::Reserving`] by `reserving` too.
#[derive(Debug, Default)]
pub(super) struct InFlight {
    flights: BTreeMap<BatchId, Flight>,
    /// Batches without a slot, in the order they were closed.
    waiting: VecDeque<BatchId>,
    /// How many hold a slot.
    running: usize,
    /// How many of them wait for their turn.
    reserving: usize,
    closed: u64,
}

impl InFlight {
    /// Returns the number of the batch that is [added](Self::add) next.
    pub(super) const fn next_id(&self) -> BatchId {
        BatchId(self.closed + 1)
    }

    /// Puts a closed batch in the queue for a slot.
    pub(super) fn add(&mut self, batch: Batch<Delivery>, tries: Tries) -> BatchId {
        let id = self.next_id();
        self.closed += 1;
        self.flights.insert(id, Flight::new(batch, tries));
        self.waiting.push_back(id);
        id
    }

    /// Returns what the function has made of a batch of a share group.
    pub(super) fn tries(&self, id: BatchId) -> Tries {
        let flight = self.flights.get(&id);
        flight
            .map(|flight| flight.tries.clone())
            .unwrap_or_default()
    }

    /// Tells whether there is no batch.
    pub(super) fn is_empty(&self) -> bool {
        self.flights.is_empty()
    }

    /// Returns how many have or need a slot.
    pub(super) fn batches(&self) -> usize {
        self.running + self.waiting.len()
    }

    /// Returns how many hold a slot.
    pub(super) const fn running(&self) -> usize {
        self.running
    }

    /// Tells whether one waits for its turn to call the function.
    pub(super) const fn is_reserving(&self) -> bool {
        self.reserving > 0
    }

    /// Returns those without a slot, in the order they were closed.
    pub(super) const fn waiting(&self) -> &VecDeque<BatchId> {
        &self.waiting
    }

    pub(super) fn get(&self, id: BatchId) -> Option<&Flight> {
        self.flights.get(&id)
    }

    pub(super) fn get_mut(&mut self, id: BatchId) -> Option<&mut Flight> {
        self.flights.get_mut(&id)
    }

    pub(super) fn phase(&self, id: BatchId) -> Option<Phase> {
        self.flights.get(&id).map(|flight| flight.phase)
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = (BatchId, &mut Flight)> {
        self.flights.iter_mut().map(|(&id, flight)| (id, flight))
    }

    /// Returns the batches that hold a slot.
    pub(super) fn with_slot(&self) -> impl Iterator<Item = &Flight> {
        self.flights.values().filter(|flight| flight.holds_slot())
    }

    /// Returns the batches in a phase, in the order they were closed.
    pub(super) fn in_phase(&self, is_it: impl Fn(Phase) -> bool) -> Vec<BatchId> {
        let flights = self.flights.iter();
        let found = flights.filter(|(_, flight)| is_it(flight.phase));
        found.map(|(&id, _)| id).collect()
    }

    /// Cuts a batch that the function does not have to `most` records, and returns the rest.
    pub(super) fn cut(&mut self, id: BatchId, most: usize) -> Option<Batch<Delivery>> {
        self.flights.get_mut(&id)?.batch.split_off(most)
    }

    /// Takes all that wait for a slot out of the line; they are to be [lined up](Self::line_up) again.
    pub(super) fn take_waiting(&mut self) -> VecDeque<BatchId> {
        std::mem::take(&mut self.waiting)
    }

    /// Puts a batch that waits at the end of the line for a slot.
    pub(super) fn line_up(&mut self, id: BatchId) {
        if self.phase(id) == Some(Phase::Waiting) {
            self.waiting.push_back(id);
        }
    }

    /// Forgets all that wait for a slot, and returns what is in them.
    pub(super) fn give_up_waiting(&mut self) -> Vec<Vec<Delivery>> {
        let waiting = std::mem::take(&mut self.waiting).into_iter();
        let flights = waiting.filter_map(|id| self.flights.remove(&id));
        flights.map(|flight| flight.batch.items).collect()
    }

    /// Forgets a batch that waits for a slot. Returns whether it did.
    pub(super) fn forget_waiting(&mut self, id: BatchId) -> bool {
        let Some(index) = self.waiting.iter().position(|&waiting| waiting == id) else {
            return false;
        };
        self.waiting.remove(index);
        self.flights.remove(&id);
        true
    }

    /// Takes the batch at `index` out of the line; it is to get a slot or to be [forgotten](Self::forget).
    pub(super) fn leave_line(&mut self, index: usize) {
        self.waiting.remove(index);
    }

    /// Forgets a batch that has left the line without a slot.
    pub(super) fn forget(&mut self, id: BatchId) {
        self.flights.remove(&id);
    }

    /// Gives a batch that has left the line a slot.
    pub(super) fn give_slot(&mut self, id: BatchId) {
        self.running += 1;
        self.reserve(id);
    }

    /// A batch that holds a slot waits for its turn to call the function.
    pub(super) fn reserve(&mut self, id: BatchId) {
        if let Some(flight) = self.flights.get_mut(&id) {
            flight.phase = Phase::Reserving;
            self.reserving += 1;
        }
    }

    /// A batch's turn has come, and the function gets it.
    pub(super) fn invoke(&mut self, now: Timestamp, id: BatchId) -> Option<&Flight> {
        let flight = self.flights.get_mut(&id)?;
        if flight.phase == Phase::Reserving {
            self.reserving -= 1;
        }
        flight.phase = Phase::Invoking;
        flight.invoked_at = now;
        flight.attempt += 1;
        Some(flight)
    }

    /// A batch is settled in so many lines of calls.
    pub(super) fn settle(&mut self, id: BatchId, lines: usize) {
        if let Some(flight) = self.flights.get_mut(&id) {
            flight.phase = Phase::Settling { pending: lines };
        }
    }

    /// A line of settle calls has ended. Returns whether it was the batch's last.
    pub(super) fn settled(&mut self, id: BatchId) -> bool {
        match self.flights.get_mut(&id).map(|flight| &mut flight.phase) {
            Some(Phase::Settling { pending }) => {
                *pending -= 1;
                *pending == 0
            }
            _ => false,
        }
    }

    /// Takes the deliveries out of a batch that holds a slot, and leaves it to be settled. Also returns the
    /// phase in which it was.
    pub(super) fn take_deliveries(&mut self, id: BatchId) -> Option<(Vec<Delivery>, Phase)> {
        let flight = self.flights.get_mut(&id)?;
        let phase = std::mem::replace(&mut flight.phase, Phase::Settling { pending: 0 });
        if phase == Phase::Reserving {
            self.reserving -= 1;
        }
        Some((std::mem::take(&mut flight.batch.items), phase))
    }

    /// Ends a batch that holds a slot, and returns the phase in which it was.
    pub(super) fn end(&mut self, id: BatchId) -> Option<Phase> {
        let flight = self.flights.remove(&id)?;
        debug_assert!(flight.holds_slot(), "{id:?} has no slot to give back");
        self.running -= 1;
        if flight.phase == Phase::Reserving {
            self.reserving -= 1;
        }
        Some(flight.phase)
    }
}
