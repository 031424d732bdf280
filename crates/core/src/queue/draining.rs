//! Stopping: what the machine holds goes out, and nothing is left hidden in the queue.
//!
//! A receive that is open cannot be taken back: a server may already have hidden a message for it, and would
//! hide one more for a connection that nobody reads. So the machine waits for open receives, and processes
//! what they bring as it does otherwise. What finds no slot in time is made visible again.

use super::in_flight::Phase;
use super::machine::QueueMachine;
use super::port::SettleVerb;
use super::share_group::undelivered;
use crate::batching::CloseReason;
use crate::record::QueueMessage;
use crate::time::Timestamp;

impl QueueMachine {
    /// Stops reading, and sends out the open batch.
    pub(super) fn drain(&mut self, until: Timestamp) {
        if self.drain_until.is_some() {
            return;
        }
        self.drain_until = Some(until);
        if let Some(batch) = self.batcher.close(CloseReason::Draining) {
            self.enqueue(batch);
        }
    }

    /// Tells whether what does not reach the function goes back to the queue: another consumer may have it at
    /// once. Not while a receive is open, which would bring it again.
    pub(super) fn gives_back(&self) -> bool {
        self.drain_until.is_some() && self.polling.open() == 0
    }

    /// Releases what waits for a retry, when the time has come.
    pub(super) fn give_back(&mut self, now: Timestamp) {
        if !self.gives_back() {
            return;
        }
        for id in self
            .in_flight
            .in_phase(|phase| matches!(phase, Phase::BackingOff { .. }))
        {
            self.release(now, id);
        }
    }

    /// Tells whether the time is over in which a machine that stops begins anything.
    pub(super) fn is_late(&self, now: Timestamp) -> bool {
        self.drain_until.is_some_and(|until| until <= now)
    }

    /// Makes visible again what has no slot, or not its turn, when that time is over.
    pub(super) fn release_late(&mut self, now: Timestamp) {
        if !self.is_late(now) {
            return;
        }
        if self.config.share_group.is_some() {
            for id in self.in_flight.waiting().clone() {
                self.let_go(now, id);
            }
        }
        for deliveries in self.in_flight.give_up_waiting() {
            self.settle(None, SettleVerb::Release, deliveries);
        }
        for id in self.in_flight.in_phase(|phase| phase == Phase::Reserving) {
            self.release(now, id);
        }
    }

    /// Makes messages visible again that arrive when it is over. What a share group would archive then is given up.
    pub(super) fn send_back(
        &mut self,
        now: Timestamp,
        messages: Vec<QueueMessage>,
        hidden_until: Timestamp,
    ) {
        let mut deliveries = Vec::with_capacity(messages.len());
        for message in messages {
            let delivery = self.delivery(now, &message, hidden_until);
            if self.is_last_delivery(&delivery) {
                self.give_up_unseen(now, &message, delivery, undelivered());
            } else {
                deliveries.push(delivery);
            }
        }
        self.settle(None, SettleVerb::Release, deliveries);
    }
}
