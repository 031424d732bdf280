//! What was delivered, held against the log.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use tokio::time::Instant;

/// Names a daemon from its start to its end.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) struct Member(pub(crate) u32);

/// One invocation.
#[derive(Clone, Debug)]
pub(crate) struct Delivery {
    pub(crate) at: Instant,
    pub(crate) member: Member,
    /// The partition and offset of each record.
    pub(crate) records: Vec<(i32, i64)>,
}

/// What became of a topic's records.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    /// How far each partition was delivered without a gap: the offset that is to come next.
    pub(crate) next: BTreeMap<i32, i64>,
    /// Records that came before others of their partition had.
    pub(crate) out_of_order: Vec<(i32, i64)>,
    /// How many were delivered again that a member had when it was killed.
    pub(crate) repeated_of_killed: usize,
    /// How many were delivered again that another member had.
    pub(crate) repeated_of_living: usize,
    /// The most records of a partition that were delivered again in a row.
    pub(crate) longest_repeat: usize,
    /// The longest time without a delivery of a partition, with the partition and when it was over.
    pub(crate) longest_pause: (Duration, i32, Option<Instant>),
}

#[derive(Default)]
struct Partition {
    /// Who had each record last, by offset.
    had: Vec<Member>,
    repeated: usize,
    last: Option<Instant>,
}

impl Outcome {
    /// Returns what became of the records; `since` is when all partitions began to have some.
    pub(crate) fn of(deliveries: &[Delivery], since: Instant, killed: &BTreeSet<Member>) -> Self {
        let mut outcome = Self::default();
        let mut partitions = BTreeMap::<i32, Partition>::new();
        for delivery in deliveries {
            for &(number, offset) in &delivery.records {
                let partition = partitions.entry(number).or_default();
                outcome.pause(number, partition, since, delivery.at);
                outcome.take(number, partition, offset, delivery.member, killed);
            }
        }
        let next = partitions.iter();
        outcome.next = next
            .map(|(number, known)| (*number, i64::try_from(known.had.len()).unwrap()))
            .collect();
        outcome
    }

    fn pause(&mut self, number: i32, partition: &mut Partition, since: Instant, at: Instant) {
        let before = partition.last.replace(at).unwrap_or(since).max(since);
        let pause = at.saturating_duration_since(before);
        if pause > self.longest_pause.0 {
            self.longest_pause = (pause, number, Some(at));
        }
    }

    fn take(
        &mut self,
        number: i32,
        partition: &mut Partition,
        offset: i64,
        member: Member,
        killed: &BTreeSet<Member>,
    ) {
        let index = usize::try_from(offset).unwrap();
        let next = partition.had.len();
        match partition.had.get_mut(index) {
            Some(had) => {
                let before = std::mem::replace(had, member);
                if killed.contains(&before) {
                    self.repeated_of_killed += 1;
                } else {
                    self.repeated_of_living += 1;
                }
                partition.repeated += 1;
                self.longest_repeat = self.longest_repeat.max(partition.repeated);
            }
            None if index == next => {
                partition.had.push(member);
                partition.repeated = 0;
            }
            None => self.out_of_order.push((number, offset)),
        }
    }

    pub(crate) fn delivered(&self) -> i64 {
        self.next.values().sum()
    }

    pub(crate) const fn repeated(&self) -> usize {
        self.repeated_of_killed + self.repeated_of_living
    }
}
