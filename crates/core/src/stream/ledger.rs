//! Every record of a shard that was read and is not yet settled, and the prefix that is.

use std::collections::VecDeque;
use std::sync::Arc;

use super::checkpoint::Place;

/// Names a record within its shard: numbered in the order of the shard as they are read.
pub(super) type Ordinal = u64;

#[derive(Debug)]
struct Entry {
    sequence: Arc<str>,
    bytes: u32,
    lane: u8,
    settled: bool,
}

/// The unsettled records of a shard, in its order.
#[derive(Debug)]
pub(super) struct Ledger {
    entries: VecDeque<Entry>,
    /// The ordinal of the first entry.
    base: Ordinal,
    bytes: usize,
    unsettled: usize,
    /// The end of the settled prefix.
    place: Place,
}

impl Ledger {
    pub(super) const fn new(place: Place) -> Self {
        Self {
            entries: VecDeque::new(),
            base: 0,
            bytes: 0,
            unsettled: 0,
            place,
        }
    }

    /// Adds the next record of the shard, and returns its ordinal.
    pub(super) fn push(&mut self, sequence: Arc<str>, bytes: usize, lane: usize) -> Ordinal {
        let bytes = u32::try_from(bytes).unwrap_or(u32::MAX);
        self.entries.push_back(Entry {
            sequence,
            bytes,
            lane: u8::try_from(lane).unwrap_or(u8::MAX),
            settled: false,
        });
        self.bytes += bytes as usize;
        self.unsettled += 1;
        self.base + self.entries.len() as u64 - 1
    }

    /// Marks a record as settled. The prefix moves with [`advance`](Self::advance).
    pub(super) fn settle(&mut self, ordinal: Ordinal) {
        let index = ordinal.checked_sub(self.base).map(|index| index as usize);
        let entry = index.and_then(|index| self.entries.get_mut(index));
        if let Some(entry) = entry
            && !entry.settled
        {
            entry.settled = true;
            self.bytes -= entry.bytes as usize;
            self.unsettled -= 1;
        }
    }

    /// Moves the prefix over what is settled. It stops between two sequence numbers only: the parts of
    /// an aggregated record share one.
    pub(super) fn advance(&mut self) {
        let settled = self
            .entries
            .iter()
            .take_while(|entry| entry.settled)
            .count();
        let mut whole = settled;
        if let Some(next) = self.entries.get(settled) {
            while whole > 0 && self.entries[whole - 1].sequence == next.sequence {
                whole -= 1;
            }
        }
        let mut last = None;
        for entry in self.entries.drain(..whole) {
            last = Some(entry.sequence);
        }
        self.base += whole as u64;
        if let Some(sequence) = last {
            self.place = Place::After(sequence);
        }
    }

    pub(super) const fn place(&self) -> &Place {
        &self.place
    }

    /// Returns the last settled record of each of `lanes` beyond the prefix.
    pub(super) fn lanes(&self, lanes: usize) -> Vec<Option<Arc<str>>> {
        let mut ends: Vec<Option<Arc<str>>> = vec![None; lanes];
        // A lane's end moves only with the whole of a sequence number.
        let mut next: Vec<Option<Arc<str>>> = vec![None; lanes];
        let mut open = vec![true; lanes];
        for entry in &self.entries {
            let lane = usize::from(entry.lane);
            if !open.get(lane).copied().unwrap_or_default() {
                continue;
            }
            if !entry.settled {
                open[lane] = false;
                if next[lane].as_ref() == Some(&entry.sequence) {
                    next[lane] = None;
                }
            } else if next[lane].as_ref() != Some(&entry.sequence) {
                let before = next[lane].replace(entry.sequence.clone());
                ends[lane] = before.or_else(|| ends[lane].take());
            }
        }
        for (end, next) in ends.iter_mut().zip(next) {
            *end = next.or_else(|| end.take());
        }
        ends
    }

    pub(super) fn sequence(&self, ordinal: Ordinal) -> &str {
        let index = ordinal.checked_sub(self.base).map(|index| index as usize);
        let entry = index.and_then(|index| self.entries.get(index));
        entry.map_or("", |entry| &entry.sequence)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Returns how many records are unsettled.
    pub(super) const fn unsettled(&self) -> usize {
        self.unsettled
    }

    /// Returns the size of the unsettled records' data.
    pub(super) const fn bytes(&self) -> usize {
        self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ledger(records: &[(&str, usize)]) -> Ledger {
        let mut ledger = Ledger::new(Place::TrimHorizon);
        for &(sequence, lane) in records {
            ledger.push(sequence.into(), 10, lane);
        }
        ledger
    }

    fn settle(ledger: &mut Ledger, ordinals: &[Ordinal]) -> Place {
        for &ordinal in ordinals {
            ledger.settle(ordinal);
        }
        ledger.advance();
        ledger.place().clone()
    }

    #[test]
    fn the_prefix_never_passes_an_unsettled_record() {
        let mut ledger = ledger(&[("1", 0), ("2", 0), ("3", 0)]);
        assert_eq!(settle(&mut ledger, &[1, 2]), Place::TrimHorizon);
        assert_eq!((ledger.unsettled(), ledger.bytes()), (1, 10));
        assert_eq!(settle(&mut ledger, &[0]), Place::After("3".into()));
        assert!(ledger.is_empty());
    }

    #[test]
    fn the_prefix_takes_an_aggregated_record_whole() {
        let mut ledger = ledger(&[("1", 0), ("2", 0), ("2", 0), ("3", 0)]);
        assert_eq!(settle(&mut ledger, &[0, 1]), Place::After("1".into()));
        assert_eq!(settle(&mut ledger, &[2]), Place::After("2".into()));
    }

    #[test]
    fn a_record_settled_twice_counts_once() {
        let mut ledger = ledger(&[("1", 0), ("2", 0)]);
        settle(&mut ledger, &[0]);
        assert_eq!(settle(&mut ledger, &[0, 0]), Place::After("1".into()));
        assert_eq!(ledger.unsettled(), 1);
    }

    #[test]
    fn a_lanes_end_is_its_own_settled_prefix() {
        let mut ledger = ledger(&[("1", 0), ("2", 1), ("3", 1), ("4", 0), ("5", 1), ("6", 1)]);
        settle(&mut ledger, &[1, 2, 3, 5]);
        assert_eq!(ledger.lanes(2), [None, Some("3".into())]);
    }

    #[test]
    fn a_lanes_end_takes_an_aggregated_record_whole() {
        let mut ledger = ledger(&[("1", 0), ("2", 1), ("3", 1), ("3", 1)]);
        settle(&mut ledger, &[1, 2]);
        assert_eq!(ledger.lanes(2), [None, Some("2".into())]);
    }
}
