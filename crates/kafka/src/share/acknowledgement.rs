//! What is told to the broker of acquired records: one partition's at a time.

use std::sync::Arc;

use lambda_esm_core::fault::SourceError;
use tokio::time::Instant;

use super::receipt::Acquired;
use super::settling::Settling;

/// How a record is acknowledged, by its number in the protocol (KIP-932, KIP-1222).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// There is no such record: it was compacted away, or is a marker of a transaction.
    Gap = 0,
    Accept = 1,
    Release = 2,
    Reject = 3,
    /// Nothing is done yet; the lock begins anew.
    Renew = 4,
}

/// Records that follow one another and are acknowledged alike.
#[derive(Clone, Debug)]
pub(super) struct Acknowledgement {
    pub(super) kind: Kind,
    pub(super) first: i64,
    pub(super) last: i64,
    /// Which acquisition it is of; `None` for a gap.
    pub(super) acquired: Option<Acquired>,
    /// Who waits for the outcome, and at which place in the answer.
    pub(super) answer: Option<(Arc<Settling>, usize)>,
}

impl Acknowledgement {
    /// Returns that of one record.
    pub(super) const fn of(kind: Kind, acquired: Acquired) -> Self {
        Self {
            kind,
            first: acquired.offset,
            last: acquired.offset,
            acquired: Some(acquired),
            answer: None,
        }
    }

    /// Tells who waits for the outcome.
    pub(super) fn tell(&self, outcome: Result<(), SourceError>) {
        if let Some((settling, index)) = &self.answer {
            settling.tell(*index, outcome);
        }
    }

    /// Returns that of a range without records.
    pub(super) const fn gap(first: i64, last: i64) -> Self {
        Self {
            kind: Kind::Gap,
            first,
            last,
            acquired: None,
            answer: None,
        }
    }
}

/// Offsets that follow one another and are acknowledged alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Range {
    pub(super) first: i64,
    pub(super) last: i64,
    pub(super) kind: Kind,
}

/// Acknowledgements of one partition that the broker takes or refuses together.
#[derive(Clone, Debug)]
pub(super) struct Bundle {
    pub(super) topic: [u8; 16],
    pub(super) partition: i32,
    pub(super) all: Vec<Acknowledgement>,
    /// It is part of one that was refused.
    is_split: bool,
    /// Until when it is told again, since the broker could not write it down.
    pub(super) until: Option<Instant>,
}

impl Bundle {
    /// Returns one that was not told yet.
    pub(super) const fn new(topic: [u8; 16], partition: i32, all: Vec<Acknowledgement>) -> Self {
        Self {
            topic,
            partition,
            all,
            is_split: false,
            until: None,
        }
    }

    /// Tells whether it was not told yet. To one that was nothing is added, so that it ends.
    pub(super) const fn is_new(&self) -> bool {
        !self.is_split && self.until.is_none()
    }

    /// Returns the halves of one that was refused, of which only some may be to blame; none if it is of one range.
    pub(super) fn split(mut self) -> Result<[Self; 2], Self> {
        if self.all.len() < 2 {
            return Err(self);
        }
        self.is_split = true;
        let all = self.all.split_off(self.all.len() / 2);
        let later = Self { all, ..self };
        Ok([self, later])
    }

    /// Puts it in the order of offsets, and returns it with what follows one another and is alike in one range.
    pub(super) fn ranges(&mut self) -> Vec<Range> {
        self.all.sort_by_key(|one| one.first);
        let mut ranges: Vec<Range> = Vec::new();
        for one in &self.all {
            match ranges.last_mut() {
                Some(range)
                    if range.kind == one.kind && range.last.checked_add(1) == Some(one.first) =>
                {
                    range.last = one.last;
                }
                _ => ranges.push(Range {
                    first: one.first,
                    last: one.last,
                    kind: one.kind,
                }),
            }
        }
        ranges
    }

    /// Tells whether it may be told along with a fetch: brokers fetch nothing for who renews, and one that was refused may
    /// take long to be written down, while records would wait for that, locked.
    pub(super) fn may_ride(&self) -> bool {
        self.is_new() && !self.renews()
    }

    /// Tells whether it is of renewals, which are never among others.
    pub(super) fn renews(&self) -> bool {
        self.all.first().is_some_and(|one| one.kind == Kind::Renew)
    }
}

/// What a broker answers to a bundle.
#[derive(Debug)]
pub(super) enum Outcome {
    Done,
    /// The lock of one of its records is gone.
    NoLock(String),
    /// The broker could not write it down, and may be able to soon.
    Again(String),
    /// All its records are another's, or may be.
    Lost(String),
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bundle(all: &[(Kind, i64)]) -> Bundle {
        let one = |&(kind, offset): &(Kind, i64)| {
            let (partition, number) = (0, 0);
            Acknowledgement::of(
                kind,
                Acquired {
                    partition,
                    offset,
                    number,
                },
            )
        };
        Bundle::new([0; 16], 0, all.iter().map(one).collect())
    }

    fn ranges(bundle: &mut Bundle) -> Vec<(i64, i64, i8)> {
        let ranges = bundle.ranges().into_iter();
        ranges
            .map(|range| (range.first, range.last, range.kind as i8))
            .collect()
    }

    #[test]
    fn neighbours_that_are_acknowledged_alike_become_one_range() {
        use Kind::{Accept, Release};
        let mut all = bundle(&[
            (Accept, 6),
            (Accept, 4),
            (Release, 7),
            (Accept, 5),
            (Accept, 9),
        ]);
        assert_eq!(ranges(&mut all), [(4, 6, 1), (7, 7, 2), (9, 9, 1)]);
    }

    #[test]
    fn a_refused_bundle_is_halved_until_each_part_is_one_range() {
        let all = bundle(&[(Kind::Accept, 1), (Kind::Accept, 2), (Kind::Accept, 3)]);
        let [mut one, two] = all.split().unwrap();
        assert_eq!(ranges(&mut one), [(1, 1, 1)]);
        one.split().unwrap_err();
        let [mut two, mut three] = two.split().unwrap();
        assert_eq!(
            (ranges(&mut two), ranges(&mut three)),
            (vec![(2, 2, 1)], vec![(3, 3, 1)])
        );
    }
}
