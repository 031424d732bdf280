//! Messages that are received again while an earlier delivery of theirs is at work.
//!
//! A handler may make a message visible before it ends, and a function may outlast the visibility timeout.
//! The newer delivery takes the older one's place: only its receipt still settles the message (SQS API
//! reference, `DeleteMessage`). If the function succeeds with the older one, the newer is settled unseen; if
//! it fails, the newer is the next try.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::flight::{Delivery, Flight, Phase, ids};
use super::machine::QueueMachine;
use super::port::SettleVerb;
use crate::decision::{BatchId, Decision};

const GROUP_FAILED: &str = "an earlier message of its group failed";
const PROCESSED: &str = "an earlier delivery was processed meanwhile";

impl QueueMachine {
    /// Notes a delivery on the batch at work that has an earlier one of the same message.
    pub(super) fn note_again(&mut self, delivery: &Delivery) {
        // The first delivery has none before it.
        if delivery.receives == 1 {
            return;
        }
        for flight in self.flights.values_mut() {
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
        if !self.flights.get(&batch).is_some_and(overtaken) {
            return;
        }
        let names: BTreeSet<String> = processed.iter().map(|one| one.id.clone()).collect();
        let is_processed = |delivery: &Delivery| names.contains(&delivery.id);
        let mut newer = self.batcher.retain(|delivery| !is_processed(delivery));
        let mut withdrawn = Vec::new();
        for (&id, flight) in &mut self.flights {
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

    /// Of a FIFO queue, releases waiting messages whose group has just lost an earlier message: hidden,
    /// they would keep the queue from delivering that again. Where it was received again already, the
    /// order is whole.
    pub(super) fn hold_back(&mut self, lost: &[Delivery]) {
        let mut missing: BTreeMap<&str, VecDeque<&str>> = BTreeMap::new();
        for delivery in lost {
            if let Some(group) = &delivery.group {
                let group = missing.entry(group).or_default();
                group.push_back(&delivery.id);
            }
        }
        if missing.is_empty() {
            return;
        }
        let mut lacks_predecessor = |delivery: &Delivery| {
            let group = delivery.group.as_deref();
            let Some(missing) = group.and_then(|group| missing.get_mut(group)) else {
                return false;
            };
            if missing.front() == Some(&delivery.id.as_str()) {
                missing.pop_front();
                return false;
            }
            !missing.is_empty()
        };
        for id in self.waiting.clone() {
            let Some(flight) = self.flights.get_mut(&id) else {
                continue;
            };
            let held = flight.withdraw(&mut lacks_predecessor);
            self.report_given_up(id, GROUP_FAILED, &held);
            self.forget_if_empty(id);
            self.settle(None, SettleVerb::Release, held);
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
    fn forget_if_empty(&mut self, id: BatchId) {
        let is_empty = |flight: &Flight| flight.batch.items.is_empty();
        if !self.flights.get(&id).is_some_and(is_empty) {
            return;
        }
        if let Some(place) = self.waiting.iter().position(|&waiting| waiting == id) {
            self.waiting.remove(place);
            self.flights.remove(&id);
        } else {
            self.end(id);
        }
    }
}
