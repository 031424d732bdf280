//! Who has which record, and how often it was delivered. No locks of threads, no clock.

use std::collections::{BTreeMap, BTreeSet};

use lambda_esm_core::Timestamp;
use lambda_esm_core::record::KafkaRecord;

/// Names a record, in the order in which records were put.
pub(super) type Sequence = u64;

/// Names a member of the group.
pub(super) type MemberId = u64;

/// A record that the group has not done with.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) partition: i32,
    pub(super) record: KafkaRecord,
    pub(super) deliveries: u32,
    lock: Option<Lock>,
}

/// Who has a record, and until when nobody else gets it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Lock {
    member: MemberId,
    until: Timestamp,
}

/// How a record that was delivered is done with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    Accepted,
    Rejected,
    Released,
}

/// How many records a share group has done with, and how.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Done {
    pub(super) accepted: u64,
    pub(super) rejected: u64,
    pub(super) archived: u64,
}

/// The records of one group.
#[derive(Debug)]
pub(super) struct Records {
    delivery_limit: u32,
    entries: BTreeMap<Sequence, Entry>,
    available: BTreeSet<Sequence>,
    locked: BTreeSet<(Timestamp, Sequence)>,
    pub(super) done: Done,
    last: Sequence,
}

impl Records {
    pub(super) fn new(delivery_limit: u32) -> Self {
        Self {
            delivery_limit: delivery_limit.max(1),
            entries: BTreeMap::new(),
            available: BTreeSet::new(),
            locked: BTreeSet::new(),
            done: Done::default(),
            last: 0,
        }
    }

    pub(super) fn put(&mut self, partition: i32, record: KafkaRecord) {
        self.last += 1;
        let entry = Entry {
            partition,
            record,
            deliveries: 0,
            lock: None,
        };
        self.entries.insert(self.last, entry);
        self.available.insert(self.last);
    }

    /// Locks up to `most` records for a member, those first that were put first.
    pub(super) fn acquire(
        &mut self,
        member: MemberId,
        until: Timestamp,
        most: usize,
    ) -> Vec<(Sequence, Entry)> {
        let mut acquired = Vec::new();
        while acquired.len() < most
            && let Some(sequence) = self.available.pop_first()
        {
            if let Some(entry) = self.entries.get_mut(&sequence) {
                entry.deliveries += 1;
                entry.lock = Some(Lock { member, until });
                self.locked.insert((until, sequence));
                acquired.push((sequence, entry.clone()));
            }
        }
        acquired
    }

    /// Ends the delivery of a record. Returns whether its lock was held.
    pub(super) fn end(&mut self, sequence: Sequence, delivery: u32, end: End) -> bool {
        if !self.unlock(sequence, delivery) {
            return false;
        }
        let archives = delivery >= self.delivery_limit;
        match end {
            End::Accepted => self.done.accepted += 1,
            End::Rejected => self.done.rejected += 1,
            End::Released if archives => self.done.archived += 1,
            End::Released => {
                self.available.insert(sequence);
                return true;
            }
        }
        self.entries.remove(&sequence);
        true
    }

    /// Begins the lock of a record anew. Returns whether it was held.
    pub(super) fn renew(&mut self, sequence: Sequence, delivery: u32, until: Timestamp) -> bool {
        let member = self.entries.get(&sequence).and_then(|entry| entry.lock);
        let Some(Lock { member, .. }) = member else {
            return false;
        };
        if !self.unlock(sequence, delivery) {
            return false;
        }
        if let Some(entry) = self.entries.get_mut(&sequence) {
            entry.lock = Some(Lock { member, until });
            self.locked.insert((until, sequence));
        }
        true
    }

    fn unlock(&mut self, sequence: Sequence, delivery: u32) -> bool {
        let Some(entry) = self.entries.get_mut(&sequence) else {
            return false;
        };
        if entry.deliveries != delivery {
            return false;
        }
        let Some(lock) = entry.lock.take() else {
            return false;
        };
        self.locked.remove(&(lock.until, sequence))
    }

    /// Releases the records whose locks have ended.
    pub(super) fn lapse(&mut self, now: Timestamp) {
        while let Some(&(until, sequence)) = self.locked.first()
            && until <= now
        {
            self.release(sequence);
        }
    }

    /// Releases what a member has; all members' if it is `None`.
    pub(super) fn release_all(&mut self, member: Option<MemberId>) {
        let locked: Vec<Sequence> = self.locked.iter().map(|&(_, sequence)| sequence).collect();
        for sequence in locked {
            let lock = self.entries.get(&sequence).and_then(|entry| entry.lock);
            if lock.is_some_and(|lock| member.is_none_or(|member| member == lock.member)) {
                self.release(sequence);
            }
        }
    }

    fn release(&mut self, sequence: Sequence) {
        if let Some(deliveries) = self.entries.get(&sequence).map(|entry| entry.deliveries) {
            self.end(sequence, deliveries, End::Released);
        }
    }

    /// Returns when the next lock ends.
    pub(super) fn next_lapse(&self) -> Option<Timestamp> {
        self.locked.first().map(|&(until, _)| until)
    }

    pub(super) fn has_available(&self) -> bool {
        !self.available.is_empty()
    }

    pub(super) fn available(&self) -> usize {
        self.available.len()
    }

    pub(super) fn locked(&self) -> usize {
        self.locked.len()
    }

    /// Returns the partition of each record that is not done with.
    pub(super) fn partitions(&self) -> impl Iterator<Item = i32> + '_ {
        self.entries.values().map(|entry| entry.partition)
    }
}
