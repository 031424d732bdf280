//! Messages that are received again while an earlier delivery of theirs is at work.
//!
//! A handler may make a message visible before it ends, and a function may outlast the visibility timeout.
//! The newer delivery takes the older one's place: only its receipt still settles the message (SQS API
//! reference, `DeleteMessage`). If the function succeeds with the older one, the newer is settled unseen; if
//! it fails, the newer is the next try.

use std::collections::BTreeSet;

use super::delivery::{Delivery, ids};
use super::in_flight::{Flight, Phase};
use super::machine::QueueMachine;
use crate::decision::{BatchId, Decision};

const PROCESSED: &str = "an earlier delivery was processed meanwhile";

impl QueueMachine {
    /// Notes a delivery on the batch at work that has an earlier one of the same message.
    pub(super) fn note_redelivery(&mut self, delivery: &Delivery) {
        // The first delivery has none before it.
        if delivery.receives == 1 {
            return;
        }
        self.settlements.overtaken(&delivery.id);
        for (_, flight) in self.in_flight.iter_mut() {
            let mut items = flight.batch.items.iter();
            if items.any(|earlier| earlier.id == delivery.id) {
                flight.overtaken = true;
            }
        }
    }

    /// Gives processed deliveries of a batch the receipts of newer ones, which are withdrawn unless the
    /// function has them already.
    pub(super) fn renew(&mut self, batch: BatchId, processed: &mut [Delivery]) {
        let overtaken = |flight: &Flight| flight.overtaken;
        if !self.in_flight.get(batch).is_some_and(overtaken) {
            return;
        }
        let names: BTreeSet<String> = processed.iter().map(|one| one.id.clone()).collect();
        let is_processed = |delivery: &Delivery| names.contains(&delivery.id);
        let mut newer = self.batcher.retain(|delivery| !is_processed(delivery));
        let mut withdrawn = Vec::new();
        for (id, flight) in self.in_flight.iter_mut() {
            match flight.phase {
                Phase::Waiting | Phase::Reserving | Phase::BackingOff { .. } => {
                    let found = flight.withdraw(is_processed);
                    newer.extend_from_slice(&found);
                    withdrawn.push((id, found));
                }
                Phase::Invoking => {
                    let items = flight.batch.items.iter();
                    newer.extend(items.filter(|one| is_processed(one)).cloned());
                }
                Phase::Settling { .. } => {}
            }
        }
        for (id, deliveries) in withdrawn {
            self.report_given_up(id, PROCESSED, &deliveries);
            self.forget_if_empty(id);
        }
        for one in processed {
            let of_it = newer.iter().filter(|newer| newer.id == one.id);
            let age = |delivery: &Delivery| (delivery.receives, delivery.hidden_until);
            if let Some(newest) = of_it.max_by_key(|newer| age(newer))
                && age(newest) > age(one)
            {
                *one = newest.clone();
            }
        }
    }

    pub(super) fn report_given_up(
        &mut self,
        batch: BatchId,
        because: &'static str,
        deliveries: &[Delivery],
    ) {
        if !deliveries.is_empty() {
            self.report(Decision::GivenUp {
                batch,
                messages: deliveries.len(),
                because,
                message_ids: ids(self.config.detail, deliveries),
            });
        }
    }

    /// Ends a batch of which nothing is left.
    pub(super) fn forget_if_empty(&mut self, id: BatchId) {
        let is_empty = |flight: &Flight| flight.batch.items.is_empty();
        if !self.in_flight.get(id).is_some_and(is_empty) {
            return;
        }
        if !self.in_flight.forget_waiting(id) {
            self.end(id);
        }
    }
}
