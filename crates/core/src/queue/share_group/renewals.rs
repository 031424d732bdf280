//! Renewals of locks: which are due, and which are under way.

use std::collections::BTreeMap;

use super::give_ups::DeliveryId;
use crate::decision::BatchId;
use crate::queue::action::SettleId;
use crate::record::Receipt;
use crate::time::Timestamp;

/// Who holds locks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::queue) enum Holder {
    /// A batch that waits, or that the function has.
    Batch(BatchId),
    /// Records of which the on-failure destination is told.
    GivenUp(DeliveryId),
}

/// A call that renews locks.
#[derive(Debug)]
pub(super) struct Renewal {
    pub(super) holder: Holder,
    pub(super) receipts: Vec<Receipt>,
    /// When it began: from then on the locks count anew.
    pub(super) asked: Timestamp,
}

/// When the locks of a holder are renewed next.
#[derive(Debug, Default)]
struct Lease {
    /// `None` while they are.
    due: Option<Timestamp>,
    calls: usize,
    /// How many renewals have failed in a row.
    failures: u32,
}

/// The renewals of a mapping. Every holder has a time at which it is looked at, or calls under way, and is forgotten then
/// if it holds nothing any more.
#[derive(Debug, Default)]
pub(in crate::queue) struct Renewals {
    calls: BTreeMap<SettleId, Renewal>,
    leases: BTreeMap<Holder, Lease>,
}

impl Renewals {
    /// The locks of a holder are to be renewed then.
    pub(super) fn await_time(&mut self, holder: Holder, due: Timestamp) {
        self.leases.entry(holder).or_default().due = Some(due);
    }

    /// Tells whether the locks of a holder were to be renewed at this time. They are not any more.
    pub(super) fn take_due(&mut self, holder: Holder, at: Timestamp) -> bool {
        let lease = self.leases.get_mut(&holder);
        lease.is_some_and(|lease| lease.due.take_if(|due| *due == at).is_some())
    }

    /// A holder has nothing any more.
    pub(super) fn forget(&mut self, holder: Holder) {
        self.leases.remove(&holder);
    }

    /// A call begins.
    pub(super) fn begin(&mut self, id: SettleId, renewal: Renewal) {
        self.leases.entry(renewal.holder).or_default().calls += 1;
        self.calls.insert(id, renewal);
    }

    /// A call ended; `None` if it renews nothing.
    pub(super) fn end(&mut self, id: SettleId) -> Option<Renewal> {
        let renewal = self.calls.remove(&id)?;
        if let Some(lease) = self.leases.get_mut(&renewal.holder) {
            lease.calls = lease.calls.saturating_sub(1);
        }
        Some(renewal)
    }

    /// Tells whether a call for the holder is under way.
    pub(super) fn any_of(&self, holder: Holder) -> bool {
        self.leases
            .get(&holder)
            .is_some_and(|lease| lease.calls > 0)
    }

    /// A call for the holder went well, or not. Returns how many have failed in a row.
    pub(super) fn count(&mut self, holder: Holder, failed: bool) -> u32 {
        let Some(lease) = self.leases.get_mut(&holder) else {
            return 0;
        };
        lease.failures = if failed {
            lease.failures.saturating_add(1)
        } else {
            0
        };
        lease.failures
    }
}
