//! Every gathered record of a shard that is not settled, and the prefix of the shard that is.

use std::collections::VecDeque;
use std::sync::Arc;

use super::checkpoint::Place;

/// Names a record within its shard: numbered in the order of the shard as they are gathered.
pub(super) type Ordinal = u64;

#[derive(Debug)]
struct Pending {
    ordinal: Ordinal,
    sequence: Arc<str>,
    /// The sequence number before this one in the shard; `None` if reading began with it.
    before: Option<Arc<str>>,
    bytes: usize,
    settled: bool,
}

/// What of a lane is not settled.
#[derive(Debug, Default)]
struct Lane {
    /// From the first record that is not settled on.
    pending: VecDeque<Pending>,
    /// The last record of the lane's settled prefix.
    end: Option<Arc<str>>,
}

/// The unsettled records of a shard. What was read and not gathered leaves no trace but the prefix, so its
/// size is that of the batches under way.
#[derive(Debug)]
pub(super) struct Ledger {
    lanes: Vec<Lane>,
    next: Ordinal,
    /// Where reading began.
    start: Place,
    /// The last sequence number read, and the one before it.
    last: Option<Arc<str>>,
    before_last: Option<Arc<str>>,
    bytes: usize,
    unsettled: usize,
}

impl Ledger {
    pub(super) fn new(start: Place, lanes: usize) -> Self {
        Self {
            lanes: (0..lanes).map(|_| Lane::default()).collect(),
            next: 0,
            start,
            last: None,
            before_last: None,
            bytes: 0,
            unsettled: 0,
        }
    }

    /// Takes note of the next record of the shard. Unless it is gathered, it counts as settled.
    pub(super) fn read(&mut self, sequence: &Arc<str>) {
        // The parts of an aggregated record share one sequence number.
        if self.last.as_ref() != Some(sequence) {
            self.before_last = self.last.replace(sequence.clone());
        }
    }

    /// Adds the record read last to its lane, and returns its ordinal.
    pub(super) fn gather(&mut self, sequence: Arc<str>, bytes: usize, lane: usize) -> Ordinal {
        debug_assert_eq!(self.last.as_ref(), Some(&sequence), "not read before");
        let ordinal = self.next;
        self.next += 1;
        self.bytes += bytes;
        self.unsettled += 1;
        self.lanes[lane].pending.push_back(Pending {
            ordinal,
            sequence,
            before: self.before_last.clone(),
            bytes,
            settled: false,
        });
        ordinal
    }

    /// Marks a record as settled. The prefix moves with [`advance`](Self::advance).
    pub(super) fn settle(&mut self, lane: usize, ordinal: Ordinal) {
        let pending = &mut self.lanes[lane].pending;
        let found = pending.binary_search_by_key(&ordinal, |each| each.ordinal);
        if let Ok(index) = found
            && !pending[index].settled
        {
            pending[index].settled = true;
            self.bytes -= pending[index].bytes;
            self.unsettled -= 1;
        }
    }

    /// Moves each lane's prefix over what is settled. A lane's end moves only with the whole of a sequence
    /// number, so this must not be called between the parts of an aggregated record.
    pub(super) fn advance(&mut self) {
        for lane in &mut self.lanes {
            while let Some(settled) = lane.pending.pop_front_if(|first| first.settled) {
                let next = lane.pending.front();
                if next.is_none_or(|next| next.sequence != settled.sequence) {
                    lane.end = Some(settled.sequence);
                }
            }
        }
    }

    /// Returns the end of the settled prefix of the shard. It lies between two sequence numbers.
    pub(super) fn place(&self) -> Place {
        let firsts = self.lanes.iter().filter_map(|lane| lane.pending.front());
        let end = match firsts.min_by_key(|first| first.ordinal) {
            Some(first) => first.before.as_ref(),
            None => self.last.as_ref(),
        };
        end.map_or_else(|| self.start.clone(), |end| Place::After(end.clone()))
    }

    /// Returns the last record of each lane's settled prefix.
    pub(super) fn lane_ends(&self) -> impl Iterator<Item = Option<&Arc<str>>> {
        self.lanes.iter().map(|lane| lane.end.as_ref())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.lanes.iter().all(|lane| lane.pending.is_empty())
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
        let mut ledger = Ledger::new(Place::TrimHorizon, 2);
        for &(sequence, lane) in records {
            ledger.read(&sequence.into());
            ledger.gather(sequence.into(), 10, lane);
        }
        ledger
    }

    fn settle(ledger: &mut Ledger, lane: usize, ordinals: &[Ordinal]) -> Place {
        for &ordinal in ordinals {
            ledger.settle(lane, ordinal);
        }
        ledger.advance();
        ledger.place()
    }

    fn ends(ledger: &Ledger) -> Vec<Option<&str>> {
        ledger
            .lane_ends()
            .map(|end| end.map(AsRef::as_ref))
            .collect()
    }

    #[test]
    fn the_prefix_never_passes_an_unsettled_record() {
        let mut ledger = ledger(&[("1", 0), ("2", 0), ("3", 0)]);
        assert_eq!(settle(&mut ledger, 0, &[1, 2]), Place::TrimHorizon);
        assert_eq!((ledger.unsettled(), ledger.bytes()), (1, 10));
        assert_eq!(settle(&mut ledger, 0, &[0]), Place::After("3".into()));
        assert!(ledger.is_empty());
    }

    #[test]
    fn records_that_are_not_gathered_move_the_prefix_and_take_no_room() {
        let mut ledger = ledger(&[("1", 0)]);
        for number in 2..1_000 {
            ledger.read(&number.to_string().into());
        }
        assert_eq!(
            (ledger.place(), ledger.unsettled()),
            (Place::TrimHorizon, 1)
        );
        assert_eq!(settle(&mut ledger, 0, &[0]), Place::After("999".into()));
    }

    #[test]
    fn the_prefix_takes_an_aggregated_record_whole() {
        let mut ledger = ledger(&[("1", 0), ("2", 0), ("2", 0), ("3", 0)]);
        assert_eq!(settle(&mut ledger, 0, &[0, 1]), Place::After("1".into()));
        assert_eq!(settle(&mut ledger, 0, &[2]), Place::After("2".into()));
    }

    #[test]
    fn a_record_settled_twice_counts_once() {
        let mut ledger = ledger(&[("1", 0), ("2", 0)]);
        ledger.settle(0, 0);
        ledger.settle(0, 0);
        assert_eq!(settle(&mut ledger, 0, &[0]), Place::After("1".into()));
        assert_eq!(ledger.unsettled(), 1);
    }

    #[test]
    fn a_lanes_end_is_its_own_settled_prefix() {
        let mut ledger = ledger(&[("1", 0), ("2", 1), ("3", 1), ("4", 0), ("5", 1), ("6", 1)]);
        settle(&mut ledger, 1, &[1, 2, 5]);
        settle(&mut ledger, 0, &[3]);
        assert_eq!(ledger.place(), Place::TrimHorizon);
        assert_eq!(ends(&ledger), [None, Some("3")]);
    }

    #[test]
    fn a_lanes_end_takes_an_aggregated_record_whole() {
        let mut ledger = ledger(&[("1", 0), ("2", 1), ("3", 1), ("3", 1)]);
        settle(&mut ledger, 1, &[1, 2]);
        assert_eq!(ends(&ledger), [None, Some("2")]);
    }
}
