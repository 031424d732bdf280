//! FIFO queues: no two running batches share a message group, and what follows a lost message of its group goes
//! back to the queue.

use std::collections::{BTreeMap, VecDeque};

use super::delivery::Delivery;
use super::fifo_group::overlap;
use super::machine::QueueMachine;
use super::port::SettleVerb;
use crate::decision::BatchId;

const GROUP_FAILED: &str = "an earlier message of its group failed";

impl QueueMachine {
    /// Tells whether the waiting batch at `index` shares a group with one that runs or waits before it.
    pub(super) fn is_blocked(&self, index: usize, id: BatchId) -> bool {
        let Some(flight) = self.in_flight.get(id) else {
            return false;
        };
        let waiting = self.in_flight.waiting().iter();
        let earlier = waiting.take(index).filter_map(|&id| self.in_flight.get(id));
        self.in_flight
            .with_slot()
            .chain(earlier)
            .any(|other| overlap(&other.groups, &flight.groups))
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
        for id in self.in_flight.waiting().clone() {
            let Some(flight) = self.in_flight.get_mut(id) else {
                continue;
            };
            let held = flight.withdraw(&mut lacks_predecessor);
            self.report_given_up(id, GROUP_FAILED, &held);
            self.forget_if_empty(id);
            self.settle(None, SettleVerb::Release, held);
        }
    }
}
