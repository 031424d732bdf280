//! Every gathered record of a shard that is not settled, and the prefix of the shard that is.

use std::cmp::Ordering;
use std::collections::VecDeque;
use std::sync::Arc;

use super::{Checkpoint, compare_sequences};
use crate::stream::item::{Item, Ordinal, Place};
use crate::stream::port::Start;
use crate::time::Timestamp;

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
pub(in crate::stream) struct SettledPrefix {
    lanes: Vec<Lane>,
    next: Ordinal,
    /// Where reading began.
    start: Start,
    /// By lane, the last record that was settled before a restart, though others before it were not.
    before_restart: Vec<Option<Arc<str>>>,
    /// The last sequence number read, and the one before it.
    last: Option<Arc<str>>,
    before_last: Option<Arc<str>>,
    bytes: usize,
    unsettled: usize,
}

impl SettledPrefix {
    /// Returns the prefix of a shard that goes on at `checkpoint`, with so many lanes.
    pub(in crate::stream) fn new(checkpoint: &Checkpoint, lanes: usize) -> Self {
        // What was settled by lane means nothing if keys are spread over more lanes or fewer.
        let before_restart = if checkpoint.lanes.len() == lanes {
            checkpoint.lanes.clone()
        } else {
            Vec::new()
        };
        Self {
            lanes: (0..lanes).map(|_| Lane::default()).collect(),
            next: 0,
            start: checkpoint.start.clone().unwrap_or(Start::TrimHorizon),
            before_restart,
            last: None,
            before_last: None,
            bytes: 0,
            unsettled: 0,
        }
    }

    /// Takes note of the next record of the shard. Unless it is gathered, it counts as settled.
    pub(in crate::stream) fn read(&mut self, sequence: &Arc<str>) {
        // The parts of an aggregated record share one sequence number.
        if self.last.as_ref() != Some(sequence) {
            self.before_last = self.last.replace(sequence.clone());
        }
    }

    /// Adds the record read last, of so many bytes, to its lane.
    pub(in crate::stream) fn gather(
        &mut self,
        lane: usize,
        sequence: &Arc<str>,
        arrival: Timestamp,
        bytes: usize,
    ) -> Item {
        debug_assert_eq!(self.last.as_ref(), Some(sequence), "not read before");
        let ordinal = self.next;
        self.next += 1;
        self.bytes += bytes;
        self.unsettled += 1;
        self.lanes[lane].pending.push_back(Pending {
            ordinal,
            sequence: sequence.clone(),
            before: self.before_last.clone(),
            bytes,
            settled: false,
        });
        Item {
            ordinal,
            place: Place::Sequence(sequence.clone()),
            arrival,
        }
    }

    /// Tells whether a record was settled before a restart, though others before it were not.
    pub(in crate::stream) fn was_settled(&self, lane: usize, sequence: &str) -> bool {
        let settled = self.before_restart.get(lane).and_then(Option::as_ref);
        settled.is_some_and(|last| compare_sequences(sequence, last) != Ordering::Greater)
    }

    /// Marks records of a lane as settled. The prefix moves with [`advance`](Self::advance).
    pub(in crate::stream) fn settle(&mut self, lane: usize, items: &[Item]) {
        let pending = &mut self.lanes[lane].pending;
        let mut next = 0;
        for item in items {
            // Most records of a batch follow each other.
            if pending.get(next).map(|each| each.ordinal) != Some(item.ordinal) {
                let found = pending.binary_search_by_key(&item.ordinal, |each| each.ordinal);
                let Ok(index) = found else { continue };
                next = index;
            }
            let record = &mut pending[next];
            if !record.settled {
                record.settled = true;
                self.bytes -= record.bytes;
                self.unsettled -= 1;
            }
            next += 1;
        }
    }

    /// Moves each lane's prefix over what is settled. A lane's end moves only with the whole of a sequence
    /// number, so this must not be called between the parts of an aggregated record.
    pub(in crate::stream) fn advance(&mut self) {
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
    pub(in crate::stream) fn end(&self) -> Start {
        let firsts = self.lanes.iter().filter_map(|lane| lane.pending.front());
        let end = match firsts.min_by_key(|first| first.ordinal) {
            Some(first) => first.before.as_ref(),
            None => self.last.as_ref(),
        };
        end.map_or_else(|| self.start.clone(), |end| Start::After(end.clone()))
    }

    /// Returns the checkpoint of what is settled: the end of the prefix, and for several lanes what each has settled
    /// beyond it, also before a restart.
    pub(in crate::stream) fn checkpoint(&self) -> Checkpoint {
        let start = self.end();
        let mut lanes = self.lanes_beyond(&start);
        if lanes.iter().all(Option::is_none) {
            lanes.clear();
        }
        Checkpoint {
            start: Some(start),
            lanes,
            window: None,
        }
    }

    fn lanes_beyond(&self, prefix: &Start) -> Vec<Option<Arc<str>>> {
        if self.lanes.len() < 2 {
            return Vec::new();
        }
        let beyond = |sequence: &&Arc<str>| match prefix {
            Start::After(last) => compare_sequences(sequence, last) == Ordering::Greater,
            _ => true,
        };
        let further = |left: &&Arc<str>, right: &&Arc<str>| compare_sequences(left, right);
        let before = self.before_restart.iter().map(Option::as_ref);
        let before = before.chain(std::iter::repeat(None));
        let ends = self.lanes.iter().map(|lane| lane.end.as_ref()).zip(before);
        ends.map(|(end, before)| {
            let ends = [end, before].into_iter().flatten();
            ends.filter(beyond).max_by(further).cloned()
        })
        .collect()
    }

    pub(in crate::stream) fn is_empty(&self) -> bool {
        self.lanes.iter().all(|lane| lane.pending.is_empty())
    }

    /// Returns how many records are unsettled.
    pub(in crate::stream) const fn unsettled(&self) -> usize {
        self.unsettled
    }

    /// Returns the size of the unsettled records' data.
    pub(in crate::stream) const fn bytes(&self) -> usize {
        self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gathers records, each in its lane, into a prefix of two lanes.
    fn prefix(records: &[(&str, usize)]) -> (SettledPrefix, Vec<Item>) {
        let mut prefix = SettledPrefix::new(&Checkpoint::at(Start::TrimHorizon), 2);
        let gather = |&(sequence, lane): &(&str, usize)| {
            let sequence = sequence.into();
            prefix.read(&sequence);
            prefix.gather(lane, &sequence, Timestamp(0), 10)
        };
        let items = records.iter().map(gather).collect();
        (prefix, items)
    }

    fn settle(prefix: &mut SettledPrefix, lane: usize, items: &[&Item]) -> Start {
        for &item in items {
            prefix.settle(lane, std::slice::from_ref(item));
        }
        prefix.advance();
        prefix.end()
    }

    fn after(sequence: &str) -> Start {
        Start::After(sequence.into())
    }

    #[test]
    fn the_prefix_never_passes_an_unsettled_record() {
        let (mut prefix, items) = prefix(&[("1", 0), ("2", 0), ("3", 0)]);
        let end = settle(&mut prefix, 0, &[&items[1], &items[2]]);
        assert_eq!(end, Start::TrimHorizon);
        assert_eq!((prefix.unsettled(), prefix.bytes()), (1, 10));
        assert_eq!(settle(&mut prefix, 0, &[&items[0]]), after("3"));
        assert!(prefix.is_empty());
    }

    #[test]
    fn records_that_are_not_gathered_move_the_prefix_and_take_no_room() {
        let (mut prefix, items) = prefix(&[("1", 0)]);
        for number in 2..1_000 {
            prefix.read(&number.to_string().into());
        }
        assert_eq!((prefix.end(), prefix.unsettled()), (Start::TrimHorizon, 1));
        assert_eq!(settle(&mut prefix, 0, &[&items[0]]), after("999"));
    }

    #[test]
    fn the_prefix_takes_an_aggregated_record_whole() {
        let (mut prefix, items) = prefix(&[("1", 0), ("2", 0), ("2", 0), ("3", 0)]);
        let end = settle(&mut prefix, 0, &[&items[0], &items[1]]);
        assert_eq!(end, after("1"));
        assert_eq!(settle(&mut prefix, 0, &[&items[2]]), after("2"));
    }

    #[test]
    fn a_record_settled_twice_counts_once() {
        let (mut prefix, items) = prefix(&[("1", 0), ("2", 0)]);
        let end = settle(&mut prefix, 0, &[&items[0], &items[0]]);
        assert_eq!(end, after("1"));
        assert_eq!(prefix.unsettled(), 1);
    }

    #[test]
    fn a_lanes_end_is_its_own_settled_prefix() {
        let records = [("1", 0), ("2", 1), ("3", 1), ("4", 0), ("5", 1), ("6", 1)];
        let (mut prefix, items) = prefix(&records);
        settle(&mut prefix, 1, &[&items[1], &items[2], &items[5]]);
        settle(&mut prefix, 0, &[&items[3]]);
        assert_eq!(prefix.end(), Start::TrimHorizon);
        assert_eq!(prefix.checkpoint().lanes, [None, Some("3".into())]);
    }

    #[test]
    fn a_lanes_end_takes_an_aggregated_record_whole() {
        let (mut prefix, items) = prefix(&[("1", 0), ("2", 1), ("3", 1), ("3", 1)]);
        settle(&mut prefix, 1, &[&items[1], &items[2]]);
        assert_eq!(prefix.checkpoint().lanes, [None, Some("2".into())]);
    }
}
