//! Deletions and releases under way: each is tried again while the receipt is good.

use std::collections::BTreeMap;

use super::action::{Action, SettleId};
use super::delivery::Delivery;
use super::port::{SettleVerb, Settlement};
use crate::backoff::{Backoff, Random};
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
    retry_at: Option<Timestamp>,
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

/// What a source answered to a settle call: for each message, or that the call failed.
type Answer = Result<Vec<Result<(), SourceError>>, SourceError>;

/// What follows from an answer.
#[derive(Debug)]
pub(super) struct Answered {
    pub(super) decisions: Vec<Decision>,
    pub(super) then: Then,
}

/// What is done next.
#[derive(Debug)]
pub(super) enum Then {
    /// The next call of the same line.
    Call(Settling),
    /// The same call again at this time, with what is left of it.
    Retry(Timestamp),
    /// Nothing: the line has ended, which was about this batch.
    End(Option<BatchId>),
}

/// All settle calls of a mapping.
#[derive(Debug, Default)]
pub(super) struct Settlements {
    calls: BTreeMap<SettleId, Settling>,
    /// Filtered messages whose deletion is not yet answered.
    deleting_filtered: usize,
}

impl Settlements {
    /// Tells whether no call is under way or to be tried again.
    pub(super) fn is_empty(&self) -> bool {
        self.calls.is_empty()
    }

    /// Returns how many filtered messages are not yet deleted.
    pub(super) const fn deleting_filtered(&self) -> usize {
        self.deleting_filtered
    }

    /// Divides deliveries into lines of calls of `limit` messages, a bounded number of lines.
    pub(super) fn lines(
        &mut self,
        batch: Option<BatchId>,
        verb: SettleVerb,
        mut deliveries: Vec<Delivery>,
        limit: usize,
    ) -> Vec<Settling> {
        if batch.is_none() && verb == SettleVerb::Delete {
            self.deleting_filtered += deliveries.len();
        }
        let calls = deliveries.len().div_ceil(limit);
        let share = calls.div_ceil(CALLS_AT_ONCE).max(1) * limit;
        let mut lines = Vec::new();
        while !deliveries.is_empty() {
            let others = deliveries.split_off(deliveries.len().min(share));
            lines.push(Settling {
                batch,
                verb,
                deliveries: Vec::new(),
                rest: deliveries,
                failures: 0,
                retry_at: None,
            });
            deliveries = others;
        }
        lines
    }

    /// Makes the next call of a line.
    pub(super) fn call(&mut self, id: SettleId, mut settling: Settling, limit: usize) -> Action {
        let later = settling.rest.split_off(settling.rest.len().min(limit));
        settling.deliveries = std::mem::replace(&mut settling.rest, later);
        settling.failures = 0;
        let settlements = settling.settlements();
        self.calls.insert(id, settling);
        Action::Settle { id, settlements }
    }

    /// A settle call ended; `None` if it is not known.
    pub(super) fn answered(
        &mut self,
        now: Timestamp,
        id: SettleId,
        answer: Answer,
        random: &mut Random,
    ) -> Option<Answered> {
        let mut settling = self.calls.remove(&id)?;
        let total = settling.deliveries.len();
        let Sorted {
            retry,
            gone,
            lost,
            unlocked,
            error,
        } = sort_out(now, &mut settling, answer);
        let mut decisions = Vec::new();
        let messages = total - retry.len() - gone - lost - unlocked;
        if messages > 0 {
            decisions.push(match settling.verb {
                SettleVerb::Delete => Decision::Deleted { messages },
                SettleVerb::Release => Decision::Released { messages },
                SettleVerb::Reject => Decision::Rejected { messages },
                SettleVerb::Renew => Decision::Renewed { messages },
            });
        }
        if gone > 0 {
            decisions.push(Decision::Gone { messages: gone });
        }
        if unlocked > 0 {
            decisions.push(Decision::LocksLost {
                messages: unlocked,
                message_ids: Vec::new(),
            });
        }
        if lost > 0 {
            decisions.push(Decision::SettleFailed {
                messages: lost,
                error,
            });
        }
        if settling.batch.is_none() && settling.verb == SettleVerb::Delete {
            self.deleting_filtered -= total - retry.len();
        }
        let then = if !retry.is_empty() {
            settling.failures += 1;
            let at = now + Backoff::INVOKE.wait(settling.failures, random);
            settling.retry_at = Some(at);
            settling.deliveries = retry;
            self.calls.insert(id, settling);
            Then::Retry(at)
        } else if settling.rest.is_empty() {
            Then::End(settling.batch)
        } else {
            Then::Call(settling)
        };
        Some(Answered { decisions, then })
    }

    /// Repeats a call whose back-off ended `at` that time.
    pub(super) fn retry(&mut self, at: Timestamp, id: SettleId) -> Option<Action> {
        let due = |settling: &&mut Settling| settling.retry_at == Some(at);
        let settling = self.calls.get_mut(&id).filter(due)?;
        settling.retry_at = None;
        let settlements = settling.settlements();
        Some(Action::Settle { id, settlements })
    }
}

/// What became of the deliveries of a call.
#[derive(Default)]
struct Sorted {
    retry: Vec<Delivery>,
    /// How many are not ours to settle, though they should be hidden yet: deleted by the handler, or made
    /// visible by it and received by somebody else.
    gone: usize,
    /// How many records of a share group have lost their lock.
    unlocked: usize,
    /// How many became visible before they were settled.
    lost: usize,
    error: String,
}

fn sort_out(now: Timestamp, settling: &mut Settling, answer: Answer) -> Sorted {
    let deliveries = std::mem::take(&mut settling.deliveries);
    let (answers, missing) = match answer {
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
        if delivery.place.is_some() && error.kind == SourceErrorKind::Expired {
            sorted.unlocked += 1;
        } else if delivery.hidden_until <= now {
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
