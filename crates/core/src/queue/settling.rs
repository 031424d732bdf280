//! Settling: deletions and releases, tried again while the receipt is good.

use super::action::{Action, SettleId};
use super::flight::{Delivery, Phase};
use super::machine::{QueueMachine, Timer};
use super::port::{SettleVerb, Settlement};
use crate::backoff::Backoff;
use crate::decision::{BatchId, Decision};
use crate::fault::{SourceError, SourceErrorKind};
use crate::time::Timestamp;

/// One settle call, under way or to be tried again.
#[derive(Debug)]
pub(super) struct Settling {
    batch: Option<BatchId>,
    verb: SettleVerb,
    deliveries: Vec<Delivery>,
    failures: u32,
    /// When to try again; `None` while a call is under way.
    pub(super) retry_at: Option<Timestamp>,
}

impl Settling {
    fn settlements(&self) -> Vec<Settlement> {
        let settle = |delivery: &Delivery| Settlement {
            receipt: delivery.receipt.clone(),
            verb: self.verb,
        };
        self.deliveries.iter().map(settle).collect()
    }
}

impl QueueMachine {
    /// Settles deliveries, in as many calls as the source needs. A batch ends with its last answer.
    pub(super) fn settle(
        &mut self,
        batch: Option<BatchId>,
        verb: SettleVerb,
        mut deliveries: Vec<Delivery>,
    ) {
        let limit = self.config.facts.settle_limit.max(1);
        let calls = deliveries.len().div_ceil(limit);
        if let Some(id) = batch {
            if calls == 0 {
                self.end(id);
                return;
            }
            if let Some(flight) = self.flights.get_mut(&id) {
                flight.phase = Phase::Settling { pending: calls };
            }
        }
        while !deliveries.is_empty() {
            let rest = deliveries.split_off(deliveries.len().min(limit));
            let id = SettleId(self.next_id());
            let settling = Settling {
                batch,
                verb,
                deliveries,
                failures: 0,
                retry_at: None,
            };
            let settlements = settling.settlements();
            self.actions.push_back(Action::Settle { id, settlements });
            self.settles.insert(id, settling);
            deliveries = rest;
        }
    }

    /// A settle call ended.
    pub(super) fn settled(
        &mut self,
        now: Timestamp,
        id: SettleId,
        result: Result<Vec<Result<(), SourceError>>, SourceError>,
    ) {
        let Some(mut settling) = self.settles.remove(&id) else {
            return;
        };
        let total = settling.deliveries.len();
        let (retry, lost, error) = sort_out(now, &mut settling, result);
        let done = total - retry.len() - lost;
        self.report_settled(settling.verb, done);
        if lost > 0 {
            self.report(Decision::SettleFailed {
                messages: lost,
                error,
            });
        }
        if settling.batch.is_none() && settling.verb == SettleVerb::Delete {
            self.deleting_filtered -= total - retry.len();
        }
        if retry.is_empty() {
            if let Some(batch) = settling.batch {
                self.settle_answered(batch);
            }
            return;
        }
        settling.failures += 1;
        let wait = Backoff::INVOKE.wait(settling.failures, &mut self.random);
        settling.retry_at = Some(now + wait);
        self.timers.insert((now + wait, Timer::Settle(id)));
        settling.deliveries = retry;
        self.settles.insert(id, settling);
    }

    fn report_settled(&mut self, verb: SettleVerb, messages: usize) {
        if messages > 0 {
            self.report(match verb {
                SettleVerb::Delete => Decision::Deleted { messages },
                SettleVerb::Release => Decision::Released { messages },
            });
        }
    }

    fn settle_answered(&mut self, batch: BatchId) {
        let Some(flight) = self.flights.get_mut(&batch) else {
            return;
        };
        if let Phase::Settling { pending } = &mut flight.phase {
            *pending -= 1;
            if *pending == 0 {
                self.end(batch);
            }
        }
    }

    /// Repeats a settle call whose back-off has ended.
    pub(super) fn retry_settle(&mut self, at: Timestamp, id: SettleId) {
        let due = |settling: &&mut Settling| settling.retry_at == Some(at);
        let Some(settling) = self.settles.get_mut(&id).filter(due) else {
            return;
        };
        settling.retry_at = None;
        let settlements = settling.settlements();
        self.actions.push_back(Action::Settle { id, settlements });
    }
}

/// Returns what to try again, how many deliveries are lost for good, and the error in words. A delivery
/// is lost when its receipt has expired, or its visibility timeout ended.
fn sort_out(
    now: Timestamp,
    settling: &mut Settling,
    result: Result<Vec<Result<(), SourceError>>, SourceError>,
) -> (Vec<Delivery>, usize, String) {
    let deliveries = std::mem::take(&mut settling.deliveries);
    let (answers, missing) = match result {
        Ok(answers) => {
            let message = "the source did not answer for this message";
            (
                answers,
                SourceError::new(SourceErrorKind::Transient, message),
            )
        }
        Err(error) => (Vec::new(), error),
    };
    let mut answers = answers.into_iter();
    let (mut retry, mut lost, mut text) = (Vec::new(), 0, String::new());
    for delivery in deliveries {
        let Err(error) = answers.next().unwrap_or_else(|| Err(missing.clone())) else {
            continue;
        };
        if error.kind == SourceErrorKind::Expired || delivery.hidden_until <= now {
            lost += 1;
            text = error.message;
        } else {
            retry.push(delivery);
        }
    }
    (retry, lost, text)
}
