//! What becomes of a batch by the function's answer: success, partial batch response (`ReportBatchItemFailures`),
//! or failure (Lambda developer guide, "Handling errors for an SQS event source").

use super::delivery::{Delivery, ids};
use super::machine::QueueMachine;
use super::port::SettleVerb;
use super::scaling::Outcome;
use crate::decision::{BatchId, Decision};
use crate::excerpt::{LONGEST_TEXT, excerpt};
use crate::response::{Verdict, read_partial_failures};
use crate::time::Timestamp;

impl QueueMachine {
    pub(super) fn answered(&mut self, now: Timestamp, id: BatchId, response: &[u8]) {
        let Some(flight) = self.in_flight.get(id) else {
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
            if let Some(failures) = self.ignored_failures.notice(response) {
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

    pub(super) fn succeeded(&mut self, now: Timestamp, id: BatchId) {
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
    pub(super) fn failed(&mut self, now: Timestamp, id: BatchId, error: String) {
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
}
