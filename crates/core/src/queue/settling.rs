//! Settling: deletions and releases, tried again while the receipt is good.

use super::action::{Action, SettleId};
use super::flight::{Delivery, Phase};
use super::machine::{QueueMachine, Timer};
use super::port::{SettleVerb, Settlement};
use crate::backoff::Backoff;
use crate::decision::{BatchId, Decision};
use crate::fault::{SourceError, SourceErrorKind};
use crate::time::Timestamp;

/// How many settle calls of one batch are under way at a time.
const CALLS_AT_ONCE: usize = 8;

/// Settle calls one after another: one that is under way or to be tried again, and what comes after it.
#[derive(Debug)]
pub(super) struct Settling {
    batch: Option<BatchId>,
    verb: SettleVerb,
    /// The deliveries of the call.
    deliveries: Vec<Delivery>,
    /// What the next calls are about.
    rest: Vec<Delivery>,
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
    /// Settles deliveries, in as many calls as the source needs and a bounded number at a time. A batch
    /// ends with its last answer.
    pub(super) fn settle(
        &mut self,
        batch: Option<BatchId>,
        verb: SettleVerb,
        mut deliveries: Vec<Delivery>,
    ) {
        let limit = self.config.facts.settle_limit.max(1);
        let calls = deliveries.len().div_ceil(limit);
        let share = calls.div_ceil(CALLS_AT_ONCE).max(1) * limit;
        if let Some(id) = batch {
            if calls == 0 {
                self.end(id);
                return;
            }
            if let Some(flight) = self.flights.get_mut(&id) {
                let pending = deliveries.len().div_ceil(share);
                flight.phase = Phase::Settling { pending };
            }
        }
        while !deliveries.is_empty() {
            let others = deliveries.split_off(deliveries.len().min(share));
            self.settle_next(Settling {
                batch,
                verb,
                deliveries: Vec::new(),
                rest: deliveries,
                failures: 0,
                retry_at: None,
            });
            deliveries = others;
        }
    }

    /// Makes the next call.
    fn settle_next(&mut self, mut settling: Settling) {
        let limit = self.config.facts.settle_limit.max(1);
        let later = settling.rest.split_off(settling.rest.len().min(limit));
        settling.deliveries = std::mem::replace(&mut settling.rest, later);
        settling.failures = 0;
        let id = SettleId(self.next_id());
        let settlements = settling.settlements();
        self.actions.push_back(Action::Settle { id, settlements });
        self.settles.insert(id, settling);
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
        let Sorted {
            retry,
            gone,
            lost,
            error,
        } = sort_out(now, &mut settling, result);
        self.report_settled(settling.verb, total - retry.len() - gone - lost);
        if gone > 0 {
            self.report(Decision::Gone { messages: gone });
        }
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
            if !settling.rest.is_empty() {
                self.settle_next(settling);
            } else if let Some(batch) = settling.batch {
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

/// What became of the deliveries of a call.
#[derive(Default)]
struct Sorted {
    retry: Vec<Delivery>,
    /// How many are not ours to settle, though they should be hidden yet: deleted by the handler, or made
    /// visible by it and received by somebody else.
    gone: usize,
    /// How many became visible before they were settled.
    lost: usize,
    error: String,
}

fn sort_out(
    now: Timestamp,
    settling: &mut Settling,
    result: Result<Vec<Result<(), SourceError>>, SourceError>,
) -> Sorted {
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
    let mut sorted = Sorted::default();
    for delivery in deliveries {
        let Err(error) = answers.next().unwrap_or_else(|| Err(missing.clone())) else {
            continue;
        };
        if delivery.hidden_until <= now {
            sorted.lost += 1;
            sorted.error = error.message;
        } else if error.kind == SourceErrorKind::Expired {
            sorted.gone += 1;
        } else {
            sorted.retry.push(delivery);
        }
    }
    sorted
}
