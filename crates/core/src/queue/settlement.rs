//! Settling: processed messages are deleted, others made visible again; a batch ends with its last answer.

use super::action::SettleId;
use super::delivery::Delivery;
use super::machine::QueueMachine;
use super::port::SettleVerb;
use super::settlements::{Settling, Then};
use super::timer::Timer;
use crate::decision::BatchId;
use crate::fault::SourceError;
use crate::time::Timestamp;

impl QueueMachine {
    /// Settles deliveries, in as many calls as the source needs and a bounded number at a time. A batch
    /// ends with its last answer; without a batch, deletions are of filtered messages.
    pub(super) fn settle(
        &mut self,
        batch: Option<BatchId>,
        verb: SettleVerb,
        mut deliveries: Vec<Delivery>,
    ) {
        deliveries.retain(|delivery| !delivery.is_lost());
        let limit = self.config.facts.settle_limit.max(1);
        let lines = self.settlements.lines(batch, verb, deliveries, limit);
        if let Some(id) = batch {
            if lines.is_empty() {
                self.end(id);
                return;
            }
            self.in_flight.settle(id, lines.len());
        }
        for line in lines {
            self.settle_next(line);
        }
    }

    /// Makes the next call of a line.
    fn settle_next(&mut self, settling: Settling) {
        let limit = self.config.facts.settle_limit.max(1);
        let id = SettleId(self.next_id());
        let call = self.settlements.call(id, settling, limit);
        self.actions.push_back(call);
    }

    /// A settle call ended.
    pub(super) fn settled(
        &mut self,
        now: Timestamp,
        id: SettleId,
        result: Result<Vec<Result<(), SourceError>>, SourceError>,
    ) {
        let Some(result) = self.renewed(now, id, result) else {
            return;
        };
        let Some(answered) = self.settlements.answered(now, id, result, &mut self.random) else {
            return;
        };
        for decision in answered.decisions {
            self.report(decision);
        }
        match answered.then {
            Then::Call(settling) => self.settle_next(settling),
            Then::Retry(at) => {
                self.timers.insert((at, Timer::Settle(id)));
            }
            Then::End(Some(batch)) if self.in_flight.settled(batch) => self.end(batch),
            Then::End(_) => {}
        }
    }

    /// Repeats a settle call whose back-off has ended.
    pub(super) fn retry_settle(&mut self, at: Timestamp, id: SettleId) {
        if let Some(call) = self.settlements.retry(at, id) {
            self.actions.push_back(call);
        }
    }
}
