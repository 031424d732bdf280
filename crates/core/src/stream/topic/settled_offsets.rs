//! How far a partition is settled: the contiguous prefix of what was drawn.

use std::collections::VecDeque;

use crate::stream::item::{Item, Ordinal};

#[derive(Debug)]
struct Pending {
    ordinal: Ordinal,
    offset: i64,
    settled: bool,
}

/// The records of a partition that are in batches, and where the settled prefix ends.
#[derive(Debug)]
pub(super) struct SettledOffsets {
    /// From the first record that is not settled on.
    pending: VecDeque<Pending>,
    /// Everything before this offset was drawn, or is not there.
    position: i64,
    unsettled: usize,
}

impl SettledOffsets {
    /// Returns the prefix of a partition that begins at this offset.
    pub(super) const fn new(position: i64) -> Self {
        Self {
            pending: VecDeque::new(),
            position,
            unsettled: 0,
        }
    }

    /// Takes it that the record at `offset` was drawn, and is in a batch.
    pub(super) fn draw(&mut self, ordinal: Ordinal, offset: i64) {
        self.pending.push_back(Pending {
            ordinal,
            offset,
            settled: false,
        });
        self.unsettled += 1;
        self.position = offset + 1;
    }

    /// Takes it that everything before `position` was drawn, or is not there: what is not in a batch is settled.
    pub(super) const fn pass(&mut self, position: i64) {
        if position > self.position {
            self.position = position;
        }
    }

    /// Marks a record as settled.
    pub(super) fn settle(&mut self, item: &Item) {
        let pending = &mut self.pending;
        let found = pending.binary_search_by_key(&item.ordinal, |each| each.ordinal);
        if let Ok(index) = found
            && !pending[index].settled
        {
            pending[index].settled = true;
            self.unsettled -= 1;
        }
        while pending.pop_front_if(|first| first.settled).is_some() {}
    }

    /// Returns the offset of the next record to be read by whoever goes on from what is settled: the first that is not,
    /// or the position, which lies beyond what no consumer sees.
    pub(super) fn end(&self) -> i64 {
        self.pending
            .front()
            .map_or(self.position, |first| first.offset)
    }

    /// Returns how many records are in batches and not settled.
    pub(super) const fn unsettled(&self) -> usize {
        self.unsettled
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stream::item::Place;
    use crate::time::Timestamp;

    fn item(ordinal: Ordinal, offset: i64) -> Item {
        Item {
            ordinal,
            place: Place::Offset {
                partition: 0,
                offset,
            },
            arrival: Timestamp(0),
        }
    }

    #[test]
    fn the_end_never_passes_an_unsettled_record() {
        let mut offsets = SettledOffsets::new(10);
        for (ordinal, offset) in [(1, 10), (2, 11), (3, 15)] {
            offsets.draw(ordinal, offset);
        }
        offsets.settle(&item(2, 11));
        assert_eq!((offsets.end(), offsets.unsettled()), (10, 2));
        offsets.settle(&item(2, 11));
        offsets.settle(&item(1, 10));
        assert_eq!((offsets.end(), offsets.unsettled()), (15, 1));
        offsets.settle(&item(3, 15));
        assert_eq!((offsets.end(), offsets.unsettled()), (16, 0));
    }

    #[test]
    fn what_no_consumer_sees_moves_the_end_once_all_before_it_is_settled() {
        let mut offsets = SettledOffsets::new(0);
        offsets.draw(1, 3);
        offsets.pass(9);
        assert_eq!(offsets.end(), 3);
        offsets.settle(&item(1, 3));
        assert_eq!(offsets.end(), 9);
        offsets.pass(5);
        assert_eq!(offsets.end(), 9);
    }

    #[test]
    fn a_record_of_an_earlier_assignment_settles_nothing() {
        let mut offsets = SettledOffsets::new(0);
        offsets.draw(7, 0);
        offsets.settle(&item(3, 0));
        assert_eq!((offsets.end(), offsets.unsettled()), (0, 1));
    }
}
