//! What becomes of records by the function's answer (Lambda API reference, `MaximumRetryAttempts`; Lambda developer guide,
//! "Configuring error handling controls for Kafka event sources").
//!
//! Processed records are accepted. Failed ones are tried again while their locks hold, if the mapping asks for that, and
//! then released, so that the group delivers them again; or given up, if that was their last delivery. The delivery count
//! decides before they are released: at its limit the group archives what is released, and nobody would hear of it.

use super::given_up::GivenUp;
use crate::backoff::Backoff;
use crate::decision::{AfterFailure, BatchId, Decision};
use crate::excerpt::{LONGEST_TEXT, excerpt};
use crate::fault::{InvokeError, InvokeErrorKind};
use crate::on_failure_record::{Condition, FailedResponse};
use crate::queue::delivery::Delivery;
use crate::queue::encoder::QueueEncoder;
use crate::queue::in_flight::Phase;
use crate::queue::machine::QueueMachine;
use crate::queue::port::SettleVerb;
use crate::queue::scaling::Outcome;
use crate::queue::timer::Timer;
use crate::response::{InvokeAnswer, Verdict, read_kafka_failures};
use crate::time::{self, Timestamp};

const DELIVERED_OUT: &str = "it was delivered as often as the share group does it";

/// Returns why a record is given up that the function has not seen in its last delivery.
pub(in crate::queue) fn undelivered() -> (Condition, String) {
    (Condition::RetryAttemptsExhausted, DELIVERED_OUT.to_owned())
}

/// A try that failed, all or in part.
struct Failure {
    /// How many records the try had.
    records: usize,
    error: String,
    response: FailedResponse,
    /// Whether which records failed is not known.
    is_whole: bool,
}

impl QueueMachine {
    /// The function has answered, or failed.
    pub(in crate::queue) fn acknowledge(
        &mut self,
        now: Timestamp,
        id: BatchId,
        result: Result<InvokeAnswer, InvokeError>,
    ) {
        let Some(flight) = self.in_flight.get(id) else {
            return;
        };
        let records = flight.batch.items.len();
        let whole = |error: String, response| Failure {
            records,
            error,
            response,
            is_whole: true,
        };
        match result {
            Ok(InvokeAnswer { payload, run }) => match self.verdict(id, &payload) {
                Verdict::Success => self.succeeded(now, id),
                Verdict::Failed(failed) => {
                    self.accept_others(id, &failed);
                    let failure = Failure {
                        records,
                        error: format!(
                            "the function reported {} of {records} records as failed",
                            failed.len()
                        ),
                        response: FailedResponse::answered(run),
                        is_whole: false,
                    };
                    self.try_failed(now, id, failure);
                }
                Verdict::Invalid(reason) => {
                    let error = format!("invalid partial batch response: {reason}");
                    self.try_failed(now, id, whole(error, FailedResponse::answered(run)));
                }
            },
            Err(InvokeError {
                kind, message, run, ..
            }) => {
                let response = match kind {
                    InvokeErrorKind::Refused { status, .. } => FailedResponse::refused(status, run),
                    _ => FailedResponse::unhandled(run),
                };
                self.try_failed(now, id, whole(message, response));
            }
        }
    }

    /// Returns what an answer says of the records of a batch, in either form in which it may name them.
    fn verdict(&mut self, id: BatchId, response: &[u8]) -> Verdict {
        if !self.config.report_batch_item_failures {
            if let Some(failures) = self.ignored_failures.notice(response) {
                self.report(Decision::FailuresIgnored {
                    batch: id,
                    failures,
                });
            }
            return Verdict::Success;
        }
        let (QueueEncoder::Kafka(encoder), Some(flight)) =
            (&self.config.encoder, self.in_flight.get(id))
        else {
            return Verdict::Success;
        };
        let items = flight.batch.items.iter();
        let places = items.filter_map(|delivery| delivery.place);
        let places = places.map(|place| (place.partition, place.offset));
        read_kafka_failures(response, encoder.topic(), places)
    }

    /// Accepts the records of a batch but for those that failed, by index: these are left of it.
    fn accept_others(&mut self, id: BatchId, failed: &[usize]) {
        let Some(flight) = self.in_flight.get_mut(id) else {
            return;
        };
        let mut indexes = 0..;
        let is_failed = |_: &Delivery| {
            let index = indexes.next();
            index.is_some_and(|index| failed.binary_search(&index).is_ok())
        };
        let mut done = flight.batch.retain(is_failed);
        self.renew(id, &mut done);
        self.settle(None, SettleVerb::Delete, done);
    }

    /// A try has failed with what is left of a batch.
    fn try_failed(&mut self, now: Timestamp, id: BatchId, failure: Failure) {
        let error = excerpt(&failure.error, LONGEST_TEXT);
        self.scale(now, Outcome::FunctionError);
        self.function_problem = Some(error.clone());
        let Some(flight) = self.in_flight.get_mut(id) else {
            return;
        };
        flight.tries.failed(failure.response);
        flight.withdraw(Delivery::is_lost);
        let then = self.after_failure(now, id, failure.is_whole);
        let goes_on = !matches!(then, AfterFailure::Acknowledge { .. });
        self.report(Decision::AttemptFailed {
            batch: id,
            records: failure.records,
            error,
            then,
        });
        if !goes_on {
            self.let_go(now, id);
        }
    }

    /// Splits a failed batch, or has it wait for its next try; what is left to do is to let it go.
    fn after_failure(&mut self, now: Timestamp, id: BatchId, is_whole: bool) -> AfterFailure {
        let next = self.split_or_retry(now, id, is_whole);
        next.unwrap_or_else(|| {
            let (released, given_up) = self.fates(id);
            AfterFailure::Acknowledge {
                released: released.len(),
                given_up: given_up.len(),
            }
        })
    }

    fn split_or_retry(
        &mut self,
        now: Timestamp,
        id: BatchId,
        is_whole: bool,
    ) -> Option<AfterFailure> {
        let group = self.config.share_group.clone()?;
        let flight = self.in_flight.get(id)?;
        let (records, retries) = (flight.batch.items.len(), flight.tries.retries);
        if records == 0 || self.gives_back() {
            return None;
        }
        if group.retry.bisect_on_error && is_whole && records > 1 && self.has_time(now, id) {
            let split = self.bisect(id);
            self.reserve(id);
            return split;
        }
        let most = group.retries.in_one_delivery(group.attempts());
        let left = most.checked_sub(retries + 1)?;
        let wait = Backoff::STREAM.wait(retries + 1, &mut self.random);
        let retry_at = now + wait;
        if !self.has_time(retry_at, id) {
            return None;
        }
        if let Some(flight) = self.in_flight.get_mut(id) {
            flight.phase = Phase::BackingOff { retry_at };
            flight.tries.retries += 1;
        }
        self.timers.insert((retry_at, Timer::Batch(id)));
        Some(AfterFailure::Retry {
            retry_ms: time::millis(wait),
            retries_left: Some(left),
        })
    }

    /// Tells whether a share group does not deliver a record once more: released, it would be archived.
    pub(in crate::queue) fn is_last_delivery(&self, delivery: &Delivery) -> bool {
        let limit = self.config.facts.delivery_limit;
        let group = self.config.share_group.as_ref();
        group.is_some_and(|group| delivery.receives >= group.retries.last_delivery(u32::MAX, limit))
    }

    /// Returns which records of a batch are released if it ends now, and which are given up, by index.
    fn fates(&self, id: BatchId) -> (Vec<usize>, Vec<usize>) {
        let (Some(group), Some(flight)) = (&self.config.share_group, self.in_flight.get(id)) else {
            return (Vec::new(), Vec::new());
        };
        // What the function has not failed with has not used up its retries, but the group delivers it no more either.
        let attempts = match flight.tries.failures {
            0 => u32::MAX,
            _ => group.attempts(),
        };
        let limit = self.config.facts.delivery_limit;
        let last = group.retries.last_delivery(attempts, limit);
        let items = &flight.batch.items;
        (0..items.len()).partition(|&at| items[at].receives < last)
    }

    /// Ends a batch that the function does not have: its records are released, or given up.
    pub(in crate::queue) fn let_go(&mut self, now: Timestamp, id: BatchId) {
        let (released, given_up) = self.fates(id);
        let Some(flight) = self.in_flight.get(id) else {
            return;
        };
        let tries = flight.tries.clone();
        let given_up = flight.batch.pick(given_up);
        let released = flight.batch.pick(released).items;
        if self.in_flight.forget_waiting(id) {
            self.settle(None, SettleVerb::Release, released);
        } else if self.take_deliveries(id).is_some() {
            self.settle(Some(id), SettleVerb::Release, released);
        }
        let because = match tries.failures {
            0 => DELIVERED_OUT,
            _ => "the function failed with every try",
        };
        let condition = Condition::RetryAttemptsExhausted;
        let given_up = GivenUp::of_batch(id, condition, given_up, tries, because);
        self.give_up(now, given_up);
    }
}
