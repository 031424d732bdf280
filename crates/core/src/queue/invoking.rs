//! Invoking: slots, retries of what did not reach the function, and what its answer means.

use super::action::Action;
use super::flight::{Delivery, Phase, ids};
use super::groups::overlap;
use super::machine::{QueueMachine, Timer};
use super::port::SettleVerb;
use super::scaling::Outcome;
use crate::backoff::Backoff;
use crate::decision::{BatchId, Decision};
use crate::excerpt::{LONGEST_TEXT, excerpt};
use crate::fault::{InvokeError, InvokeErrorKind};
use crate::response::{InvokeAnswer, Verdict, read_partial_failures};
use crate::time::Timestamp;

const VISIBILITY_ENDED: &str = "the visibility timeout ended before the function could take it";

impl QueueMachine {
    /// Gives free slots to waiting batches, oldest first. Of a FIFO queue, a batch waits as long as an
    /// earlier one has messages of the same group.
    ///
    /// One at a time lines up for its turn: so a mapping has one place in the line, as a lane of a stream
    /// has, however many batches it may work on.
    pub(super) fn start_waiting(&mut self, now: Timestamp) {
        let mut index = 0;
        while self.reserving == 0 && self.running < self.scaler.concurrency() {
            let Some(&id) = self.waiting.get(index) else {
                return;
            };
            if self.config.fifo && self.is_blocked(index, id) {
                index += 1;
                continue;
            }
            self.waiting.remove(index);
            self.start(now, id);
        }
    }

    fn is_blocked(&self, index: usize, id: BatchId) -> bool {
        let Some(flight) = self.flights.get(&id) else {
            return false;
        };
        let earlier = self
            .waiting
            .iter()
            .take(index)
            .filter_map(|id| self.flights.get(id));
        let running = self.flights.values().filter(|flight| flight.holds_slot());
        running
            .chain(earlier)
            .any(|other| overlap(&other.groups, &flight.groups))
    }

    fn start(&mut self, now: Timestamp, id: BatchId) {
        if self.drop_expired(now, id) {
            self.flights.remove(&id);
            return;
        }
        self.running += 1;
        self.reserve(id);
    }

    /// Lines a batch up for its turn to call the function.
    fn reserve(&mut self, id: BatchId) {
        if let Some(flight) = self.flights.get_mut(&id) {
            flight.phase = Phase::Reserving;
            self.reserving += 1;
            self.actions.push_back(Action::Reserve { batch: id });
        }
    }

    /// A batch's turn has come. Meanwhile others may have got to see its messages.
    pub(super) fn reserved(&mut self, now: Timestamp, id: BatchId) {
        let phase = self.flights.get(&id).map(|flight| flight.phase);
        if phase != Some(Phase::Reserving) {
            return;
        }
        if self.drop_expired(now, id) {
            self.end(id);
        } else {
            self.reserving -= 1;
            self.invoke(now, id);
        }
    }

    /// A batch that may have lined up needs its turn no more.
    fn forgo(&mut self, id: BatchId, phase: Phase) {
        if phase == Phase::Reserving {
            self.reserving -= 1;
            self.actions.push_back(Action::Forgo { batch: id });
        }
    }

    fn invoke(&mut self, now: Timestamp, id: BatchId) {
        let Some(flight) = self.flights.get_mut(&id) else {
            return;
        };
        flight.phase = Phase::Invoking;
        flight.invoked_at = now;
        flight.attempt += 1;
        let (attempt, records) = (flight.attempt, flight.batch.items.len());
        let payload = flight.batch.payload();
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

    /// Gives up the copies that others can see again. Returns whether nothing is left of the batch.
    fn drop_expired(&mut self, now: Timestamp, id: BatchId) -> bool {
        let Some(flight) = self.flights.get_mut(&id) else {
            return true;
        };
        let expired = flight.withdraw(|delivery| delivery.hidden_until < now);
        let nothing_left = flight.batch.items.is_empty();
        self.report_given_up(id, VISIBILITY_ENDED, &expired);
        self.hold_back(&expired);
        nothing_left
    }

    /// An invocation ended.
    pub(super) fn invoked(
        &mut self,
        now: Timestamp,
        id: BatchId,
        attempt: u32,
        result: Result<InvokeAnswer, InvokeError>,
    ) {
        let Some(flight) = self.flights.get(&id) else {
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
            Ok(answer) => self.answered(now, id, &answer.payload),
            Err(error) if is_worth_retrying(error.kind) => self.not_reached(now, id, error),
            Err(error) => self.failed(now, id, error.message),
        }
    }

    fn answered(&mut self, now: Timestamp, id: BatchId, response: &[u8]) {
        let Some(flight) = self.flights.get(&id) else {
            return;
        };
        let verdict = if self.config.report_batch_item_failures {
            let identifiers = flight
                .batch
                .items
                .iter()
                .map(|delivery| delivery.id.as_str());
            read_partial_failures(response, identifiers)
        } else {
            if let Some(failures) = self.unasked.notice(response) {
                self.report(Decision::FailuresIgnored {
                    batch: id,
                    failures,
                });
            }
            Verdict::Success
        };
        match verdict {
            Verdict::Success => self.succeeded(now, id),
            Verdict::Failed(indexes) => self.partially_failed(now, id, &indexes),
            Verdict::Invalid(reason) => {
                self.failed(now, id, format!("invalid partial batch response: {reason}"));
            }
        }
    }

    fn succeeded(&mut self, now: Timestamp, id: BatchId) {
        self.function_problem = None;
        self.scale(now, Outcome::Success);
        let Some(mut deliveries) = self.take_deliveries(id) else {
            return;
        };
        self.report(Decision::Succeeded {
            batch: id,
            records: deliveries.len(),
        });
        self.renew(id, &mut deliveries);
        self.settle(Some(id), SettleVerb::Delete, deliveries);
    }

    fn partially_failed(&mut self, now: Timestamp, id: BatchId, indexes: &[usize]) {
        self.scale(now, Outcome::FunctionError);
        let Some(deliveries) = self.take_deliveries(id) else {
            return;
        };
        let records = deliveries.len();
        let (mut failed, mut done) = (Vec::new(), Vec::new());
        for (index, delivery) in deliveries.into_iter().enumerate() {
            if indexes.binary_search(&index).is_ok() {
                failed.push(delivery);
            } else {
                done.push(delivery);
            }
        }
        self.function_problem = Some(format!(
            "the function reported {} of {records} records as failed",
            failed.len()
        ));
        self.report(Decision::PartiallyFailed {
            batch: id,
            failed: failed.len(),
            records,
            message_ids: ids(self.config.detail, &failed),
        });
        self.report_exhausted(id, &failed);
        self.renew(id, &mut done);
        self.hold_back(&failed);
        self.settle(Some(id), SettleVerb::Delete, done);
    }

    /// The function failed. Nothing is settled: the messages return when their visibility timeout ends
    /// (Lambda developer guide, "Handling errors for an SQS event source").
    fn failed(&mut self, now: Timestamp, id: BatchId, error: String) {
        let error = excerpt(&error, LONGEST_TEXT);
        self.scale(now, Outcome::FunctionError);
        self.function_problem = Some(error.clone());
        let Some(deliveries) = self.take_deliveries(id) else {
            return;
        };
        self.report(Decision::Failed {
            batch: id,
            records: deliveries.len(),
            error,
            message_ids: ids(self.config.detail, &deliveries),
        });
        self.report_exhausted(id, &deliveries);
        self.hold_back(&deliveries);
        self.end(id);
    }

    /// Tells which of the failed messages will not come back: the queue moves them away instead.
    fn report_exhausted(&mut self, batch: BatchId, failed: &[Delivery]) {
        let Some(max_receive_count) = self.config.facts.max_receive_count else {
            return;
        };
        let exhausted: Vec<Delivery> = failed
            .iter()
            .filter(|delivery| delivery.receives >= max_receive_count)
            .cloned()
            .collect();
        if exhausted.is_empty() {
            return;
        }
        self.report(Decision::Exhausted {
            batch,
            messages: exhausted.len(),
            max_receive_count,
            message_ids: ids(self.config.detail, &exhausted),
        });
    }

    /// The batch did not reach the function: try again with back-off as long as the messages are ours.
    fn not_reached(&mut self, now: Timestamp, id: BatchId, error: InvokeError) {
        self.scale(now, Outcome::NotReached);
        self.function_problem = Some(error.message.clone());
        let Some(flight) = self.flights.get_mut(&id) else {
            return;
        };
        let mut wait = Backoff::INVOKE.wait(flight.attempt, &mut self.random);
        if let InvokeErrorKind::Throttled {
            retry_after: Some(asked),
        } = error.kind
        {
            wait = wait.max(asked);
        }
        let retry_at = now + wait;
        let (attempts, records) = (flight.attempt, flight.batch.items.len());
        flight.phase = Phase::BackingOff { retry_at };
        let retry_ms = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
        let error = error.message;
        self.report(Decision::Deferred {
            batch: id,
            records,
            error,
            attempts,
            retry_ms,
        });
        if self.gives_back() {
            self.release(id);
        } else if self.drop_expired(retry_at, id) {
            self.end(id);
        } else {
            self.timers.insert((retry_at, Timer::Batch(id)));
        }
    }

    /// Tries a batch again whose back-off has ended.
    pub(super) fn retry_batch(&mut self, now: Timestamp, at: Timestamp, id: BatchId) {
        let phase = self.flights.get(&id).map(|flight| flight.phase);
        if phase != Some(Phase::BackingOff { retry_at: at }) {
            return;
        }
        if self.drop_expired(now, id) {
            self.end(id);
        } else {
            self.reserve(id);
        }
    }

    /// Makes the messages of a batch that waits for a retry visible again.
    pub(super) fn release(&mut self, id: BatchId) {
        if let Some(deliveries) = self.take_deliveries(id) {
            self.hold_back(&deliveries);
            self.settle(Some(id), SettleVerb::Release, deliveries);
        }
    }

    /// Takes the deliveries out of a batch that holds a slot, and leaves it to be settled.
    fn take_deliveries(&mut self, id: BatchId) -> Option<Vec<Delivery>> {
        let flight = self.flights.get_mut(&id)?;
        let phase = std::mem::replace(&mut flight.phase, Phase::Settling { pending: 0 });
        let deliveries = std::mem::take(&mut flight.batch.items);
        self.forgo(id, phase);
        Some(deliveries)
    }

    /// Ends a batch that holds a slot.
    pub(super) fn end(&mut self, id: BatchId) {
        if let Some(flight) = self.flights.remove(&id) {
            self.running -= 1;
            self.forgo(id, flight.phase);
        }
    }

    fn scale(&mut self, now: Timestamp, outcome: Outcome) {
        let before = self.scaler.concurrency();
        let partial = self.config.report_batch_item_failures;
        let lowered = self.scaler.on_outcome(now, outcome, partial);
        self.report_scaling(before, lowered.unwrap_or("backlog"));
    }
}

const fn is_worth_retrying(kind: InvokeErrorKind) -> bool {
    match kind {
        InvokeErrorKind::Throttled { .. }
        | InvokeErrorKind::NotFound
        | InvokeErrorKind::Denied
        | InvokeErrorKind::Unavailable => true,
        InvokeErrorKind::Refused { may_pass, .. } => may_pass,
        InvokeErrorKind::Function => false,
    }
}
