//! The lock of a record: a share group gives the record to nobody else while it lasts.
//!
//! Where the group allows it, a lock is renewed when half of its time is over, as long as the record is at work here:
//! while its batch waits for a slot or its turn, while the function has it or is throttled, and while the destination is
//! told of it. Where it cannot be renewed, what still waits for the function then is let go before its lock ends: at its last
//! delivery the group would archive it, and nobody would hear of it. What has lost its lock counts as nothing: its end is not
//! told to the group, which delivers it again.

use std::time::Duration;

use super::renewals::{Holder, Renewal};
use crate::backoff::Backoff;
use crate::decision::{BatchId, Decision};
use crate::fault::{SourceError, SourceErrorKind};
use crate::queue::action::{Action, SettleId};
use crate::queue::delivery::{Delivery, ids};
use crate::queue::in_flight::Phase;
use crate::queue::machine::QueueMachine;
use crate::queue::port::{SettleVerb, Settlement};
use crate::queue::timer::Timer;
use crate::time::Timestamp;

/// Which part of a lock that cannot be renewed is left when a batch that waits is let go: an eighth.
const ENDING: u32 = 8;

/// What is left of a lock when it is not looked at any more.
const SHORTEST: Duration = Duration::from_millis(100);

const LOCK_ENDED: &str = "the lock ended before the function could take it";

/// What a renewal was answered: for each lock, or that the call failed.
type Answer = Result<Vec<Result<(), SourceError>>, SourceError>;

impl QueueMachine {
    /// Sees to it that the locks of a holder are renewed, or do not end while it waits.
    pub(in crate::queue) fn keep_locks(&mut self, holder: Holder) {
        let can_renew = self.config.facts.can_renew;
        if self.config.share_group.is_none() || !can_renew && matches!(holder, Holder::GivenUp(_)) {
            return;
        }
        let held = self.held(holder).iter();
        let ends = held
            .filter(|delivery| !delivery.is_lost())
            .map(|delivery| delivery.hidden_until)
            .min();
        let Some(ends) = ends else {
            self.share.renewals.forget(holder);
            return;
        };
        let lock = self.config.facts.visibility_timeout;
        let ahead = if can_renew { lock / 2 } else { lock / ENDING };
        let ahead = i64::try_from(ahead.as_millis()).unwrap_or(i64::MAX);
        self.renew_at(holder, Timestamp(ends.millis().saturating_sub(ahead)));
    }

    /// Lets a batch go whose locks are about to end and that waits for the function; else looks again when half of what is
    /// left is over.
    fn end_in_time(&mut self, now: Timestamp, holder: Holder) {
        let Holder::Batch(id) = holder else {
            return;
        };
        if matches!(
            self.in_flight.phase(id),
            Some(Phase::Waiting | Phase::Reserving)
        ) {
            self.let_go(now, id);
            return;
        }
        let ends = self
            .held(holder)
            .iter()
            .map(|delivery| delivery.hidden_until);
        let left = ends.min().map_or(Duration::ZERO, |ends| ends.since(now));
        if left > SHORTEST {
            self.renew_at(holder, now + left / 2);
        } else {
            self.share.renewals.forget(holder);
        }
    }

    fn renew_at(&mut self, holder: Holder, due: Timestamp) {
        self.share.renewals.await_time(holder, due);
        self.timers.insert((due, Timer::Renew(holder)));
    }

    /// Returns what a holder holds: nothing, once it is being settled.
    fn held(&mut self, holder: Holder) -> &mut [Delivery] {
        match holder {
            Holder::Batch(id) => match self.in_flight.get_mut(id) {
                Some(flight) => &mut flight.batch.items,
                None => &mut [],
            },
            Holder::GivenUp(id) => self.share.give_ups.held(id),
        }
    }

    /// Renews the locks of a holder, if that was to be done at this time.
    pub(in crate::queue) fn renew_locks(&mut self, now: Timestamp, at: Timestamp, holder: Holder) {
        if !self.share.renewals.take_due(holder, at) {
            return;
        }
        if !self.config.facts.can_renew {
            self.end_in_time(now, holder);
            return;
        }
        if let Holder::Batch(id) = holder
            && self.may_be_changed(id)
            && self.drop_too_old(now, id)
        {
            self.forget_if_empty(id);
        }
        let held = self.held(holder).iter();
        let held = held.filter(|delivery| !delivery.is_lost());
        let receipts: Vec<_> = held.map(|delivery| delivery.receipt.clone()).collect();
        if receipts.is_empty() {
            self.share.renewals.forget(holder);
            return;
        }
        for receipts in receipts.chunks(self.config.facts.settle_limit.max(1)) {
            let id = SettleId(self.next_id());
            let renewal = Renewal {
                holder,
                receipts: receipts.to_vec(),
                asked: now,
            };
            self.share.renewals.begin(id, renewal);
            let receipts = receipts.iter().cloned();
            let renew = |receipt| Settlement::new(receipt, SettleVerb::Renew);
            let settlements = receipts.map(renew).collect();
            self.actions.push_back(Action::Settle { id, settlements });
        }
    }

    /// A settle call ended. Returns its answer if that is not about a renewal.
    pub(in crate::queue) fn renewed(
        &mut self,
        now: Timestamp,
        id: SettleId,
        answer: Answer,
    ) -> Option<Answer> {
        let Some(renewal) = self.share.renewals.end(id) else {
            return Some(answer);
        };
        let holder = renewal.holder;
        let until = renewal.asked + self.config.facts.visibility_timeout;
        let (mut renewed, mut lost, mut failed) = (0, Vec::new(), false);
        let mut answers = answer.unwrap_or_default().into_iter();
        for receipt in &renewal.receipts {
            let answer = answers.next();
            let mut held = self.held(holder).iter_mut();
            let Some(delivery) = held.find(|delivery| delivery.receipt == *receipt) else {
                continue;
            };
            match answer {
                Some(Ok(())) => {
                    delivery.hidden_until = until;
                    renewed += 1;
                }
                Some(Err(error)) if error.kind == SourceErrorKind::Expired => {
                    lost.push(delivery.clone());
                    delivery.lose();
                }
                Some(Err(_)) | None => failed = true,
            }
        }
        if renewed > 0 {
            self.report(Decision::Renewed { messages: renewed });
        }
        self.report_lost(&lost);
        if let Holder::Batch(id) = holder
            && self.may_be_changed(id)
            && let Some(flight) = self.in_flight.get_mut(id)
        {
            flight.withdraw(Delivery::is_lost);
            self.forget_if_empty(id);
        }
        let failures = self.share.renewals.count(holder, failed);
        if self.share.renewals.any_of(holder) {
            return None;
        }
        if failures > 0 {
            let wait = Backoff::INVOKE.wait(failures, &mut self.random);
            self.renew_at(holder, now + wait);
        } else {
            self.keep_locks(holder);
        }
        None
    }

    fn report_lost(&mut self, lost: &[Delivery]) {
        if !lost.is_empty() {
            self.report(Decision::LocksLost {
                messages: lost.len(),
                message_ids: ids(self.config.detail, lost),
            });
        }
    }

    /// Tells whether records can be taken out of a batch: the function does not have it.
    fn may_be_changed(&self, id: BatchId) -> bool {
        let phase = self.in_flight.phase(id);
        phase.is_some_and(|phase| {
            matches!(
                phase,
                Phase::Waiting | Phase::Reserving | Phase::BackingOff { .. }
            )
        })
    }

    /// Gives up the records of a batch whose lock has ended or that are too old, as it is sent to the function. Returns
    /// whether nothing is left of the batch.
    pub(in crate::queue) fn drop_unwanted(&mut self, now: Timestamp, id: BatchId) -> bool {
        let Some(flight) = self.in_flight.get_mut(id) else {
            return true;
        };
        // The loss of others was told when it was noticed.
        flight.withdraw(Delivery::is_lost);
        let ended = flight.withdraw(|delivery| delivery.hidden_until < now);
        self.report_given_up(id, LOCK_ENDED, &ended);
        self.drop_too_old(now, id)
    }

    /// Tells whether the locks of a batch hold until a try that begins `at` that time has probably ended.
    pub(super) fn has_time(&self, at: Timestamp, id: BatchId) -> bool {
        self.locks_hold_until(at + self.longest_run, id)
    }

    /// Lets a batch go that did not reach the function, if its locks do not hold until it is tried again.
    pub(in crate::queue) fn wait_or_let_go(
        &mut self,
        now: Timestamp,
        id: BatchId,
        until: Timestamp,
    ) {
        if self.locks_hold_until(until, id) {
            self.timers.insert((until, Timer::Batch(id)));
        } else {
            self.let_go(now, id);
        }
    }

    fn locks_hold_until(&self, until: Timestamp, id: BatchId) -> bool {
        let Some(flight) = self.in_flight.get(id) else {
            return false;
        };
        let mut held = flight.batch.items.iter();
        self.config.facts.can_renew || held.all(|delivery| delivery.hidden_until > until)
    }
}
