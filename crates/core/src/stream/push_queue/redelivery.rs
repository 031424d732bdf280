//! What is not tried again: messages that have failed too often, and those that have expired meanwhile.

use super::machine::{Delivery, PushQueueMachine};
use super::port::Outcome;
use crate::decision::BatchId;
use crate::mapping::MqEngine;
use crate::on_failure_record::Condition;
use crate::stream::item::Item;
use crate::time::Timestamp;

/// How often a message of ActiveMQ is delivered again (Lambda developer guide, "Using Lambda with Amazon MQ": ActiveMQ's
/// default redelivery policy, whose `maximumRedeliveries` is 6).
const MOST_REDELIVERIES: u32 = 6;

/// Tells whether a message is not to be tried any more. RabbitMQ has no such limit but that of the queue.
pub(super) fn is_exhausted(engine: MqEngine, delivery: Delivery) -> bool {
    let failures = delivery.failures_before.saturating_add(delivery.failures);
    engine == MqEngine::ActiveMq && failures > MOST_REDELIVERIES
}

impl PushQueueMachine {
    /// Takes note of the failure of a batch, and rejects the messages of it that have failed too often.
    pub(super) fn count_failures(&mut self, lane: usize, batch: BatchId) {
        let Some((items, failures)) = self.lanes[lane].between_tries() else {
            return;
        };
        let engine = self.config.engine;
        let mut exhausted: Vec<Item> = Vec::new();
        for item in items {
            if let Some(delivery) = self.deliveries.get_mut(&item.ordinal) {
                delivery.failures = failures;
                if is_exhausted(engine, *delivery) {
                    exhausted.push(item.clone());
                }
            }
        }
        self.reject_exhausted(batch, &exhausted);
    }

    /// Rejects messages that have failed too often.
    pub(super) fn reject_exhausted(&mut self, batch: BatchId, items: &[Item]) {
        let because = format!(
            "the function failed with it {} times",
            MOST_REDELIVERIES + 1
        );
        self.give_up(batch, items, Condition::RetryAttemptsExhausted, because);
    }

    /// Releases the messages of a lane that have expired while they waited for the next try, when its time has come: it is
    /// the broker that removes them.
    pub(super) fn release_expired(&mut self, now: Timestamp, lane: usize) {
        let Some((items, _)) = self.lanes[lane].between_tries() else {
            return;
        };
        if self.lanes[lane]
            .waits_until()
            .is_some_and(|time| time > now)
        {
            return;
        }
        let has_expired = |item: &&Item| {
            let delivery = self.deliveries.get(&item.ordinal);
            let expires = delivery.and_then(|delivery| delivery.expires);
            expires.is_some_and(|time| time <= now)
        };
        let expired: Vec<Item> = items.iter().filter(has_expired).cloned().collect();
        if !expired.is_empty() {
            for item in &expired {
                self.release(item);
            }
            self.strip(lane);
        }
    }

    /// Gives a message back to the queue.
    pub(super) fn release(&mut self, item: &Item) {
        let delivery = self.deliveries.get(&item.ordinal);
        let failed = delivery.is_some_and(|delivery| delivery.failures > 0);
        self.settle(item, Outcome::Released { failed });
    }
}
