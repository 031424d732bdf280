//! Invoking the function: a free slot, then the mapping's turn, then the call.

use super::action::Action;
use super::delivery::Delivery;
use super::in_flight::Phase;
use super::machine::QueueMachine;
use super::port::SettleVerb;
use super::retry::is_worth_retrying;
use super::scaling::Outcome;
use crate::decision::{BatchId, Decision};
use crate::fault::InvokeError;
use crate::response::InvokeAnswer;
use crate::time::Timestamp;

impl QueueMachine {
    /// Gives free slots to waiting batches, oldest first. Of a FIFO queue, a batch waits as long as an
    /// earlier one has messages of the same group.
    ///
    /// One at a time lines up for its turn: so a mapping has one place in the line, as a lane of a stream
    /// has, however many batches it may work on.
    pub(super) fn start_waiting(&mut self, now: Timestamp) {
        let mut index = 0;
        while !self.in_flight.is_reserving() && self.in_flight.running() < self.scaler.concurrency()
        {
            let Some(&id) = self.in_flight.waiting().get(index) else {
                return;
            };
            if self.config.fifo && self.is_blocked(index, id) {
                index += 1;
                continue;
            }
            self.in_flight.leave_line(index);
            self.start(now, id);
        }
    }

    fn start(&mut self, now: Timestamp, id: BatchId) {
        if self.drop_expired(now, id) {
            self.in_flight.forget(id);
            return;
        }
        self.in_flight.give_slot(id);
        self.actions.push_back(Action::Reserve { batch: id });
    }

    /// Lines a batch that holds a slot up for its turn to call the function.
    pub(super) fn reserve(&mut self, id: BatchId) {
        self.in_flight.reserve(id);
        self.actions.push_back(Action::Reserve { batch: id });
    }

    /// A batch's turn has come. Meanwhile others may have got to see its messages.
    pub(super) fn reserved(&mut self, now: Timestamp, id: BatchId) {
        if self.in_flight.phase(id) != Some(Phase::Reserving) {
            return;
        }
        if self.drop_expired(now, id) {
            self.end(id);
        } else {
            self.invoke(now, id);
        }
    }

    /// A batch that was in this phase needs its turn no more.
    fn forgo(&mut self, id: BatchId, phase: Phase) {
        if phase == Phase::Reserving {
            self.actions.push_back(Action::Forgo { batch: id });
        }
    }

    fn invoke(&mut self, now: Timestamp, id: BatchId) {
        let Some(flight) = self.in_flight.invoke(now, id) else {
            return;
        };
        let (attempt, records) = (flight.attempt, flight.batch.items.len());
        let payload = self.config.encoder.event(&flight.batch);
        self.report(Decision::Invoked {
            batch: id,
            attempt,
            records,
            iterator_age_ms: None,
        });
        self.actions.push_back(Action::Invoke {
            batch: id,
            attempt,
            payload,
        });
    }

    /// An invocation ended.
    pub(super) fn invoked(
        &mut self,
        now: Timestamp,
        id: BatchId,
        attempt: u32,
        result: Result<InvokeAnswer, InvokeError>,
    ) {
        let Some(flight) = self.in_flight.get(id) else {
            return;
        };
        if flight.phase != Phase::Invoking || flight.attempt != attempt {
            return;
        }
        // What did not reach the function is no completion: its batch is still on the way.
        let completed = result
            .as_ref()
            .map_or_else(|error| !is_worth_retrying(error.kind), |_| true);
        if completed {
            self.longest_run = self.longest_run.max(now.since(flight.invoked_at));
            self.batcher.forget_empty_window(now);
            self.batcher.previous_completed(now);
        }
        match result {
            Err(error) if is_worth_retrying(error.kind) => self.not_reached(now, id, error),
            result if self.config.share_group.is_some() => self.acknowledge(now, id, result),
            Ok(answer) => self.answered(now, id, &answer.payload),
            Err(error) => self.failed(now, id, error.message),
        }
    }

    /// Makes the messages of a batch that waits for a retry visible again.
    pub(super) fn release(&mut self, now: Timestamp, id: BatchId) {
        if self.config.share_group.is_some() {
            self.let_go(now, id);
        } else if let Some(deliveries) = self.take_deliveries(id) {
            self.hold_back(&deliveries);
            self.settle(Some(id), SettleVerb::Release, deliveries);
        }
    }

    /// Takes the deliveries out of a batch that holds a slot, and leaves it to be settled.
    pub(super) fn take_deliveries(&mut self, id: BatchId) -> Option<Vec<Delivery>> {
        let (deliveries, phase) = self.in_flight.take_deliveries(id)?;
        self.forgo(id, phase);
        Some(deliveries)
    }

    /// Ends a batch that holds a slot.
    pub(super) fn end(&mut self, id: BatchId) {
        if let Some(phase) = self.in_flight.end(id) {
            self.forgo(id, phase);
        }
    }

    pub(super) fn scale(&mut self, now: Timestamp, outcome: Outcome) {
        let before = self.scaler.concurrency();
        let partial = self.config.report_batch_item_failures;
        let lowered = self.scaler.on_outcome(now, outcome, partial);
        self.report_scaling(before, lowered.unwrap_or("backlog"));
    }
}
