//! Seats at the source: so many shards of a mapping call it at a time, and each comes to its turn.
//!
//! A shard keeps its seat from the first call of its turn until a page or a failure ends that: what is opened is
//! read at once, while its position is good. Whoever finds no seat lines up: those whose last page said that there
//! is more in one line, the others in a second one, and the lines take turns. So no shard waits for more than
//! one turn of each other shard of its line and as many of the other line; and one that has records is not
//! held up by thousands that have none.

use std::collections::{BTreeSet, VecDeque};

use super::shard::ShardKey;

/// How many shards of a mapping call the source at a time: 64. Lambda documents no bound. Each call may take a
/// connection, of which a process often has 1,024 for everything; and 64 calls of 20 ms read 3,200 shards a second.
pub const SHARDS_AT_ONCE: usize = 64;

/// How many times as many read at a time where records are pushed: a read then is little more than waiting, and
/// most of the shards should be waited for.
const PUSHED: usize = 8;

/// Who sits, and who waits for a seat.
#[derive(Debug, Default)]
pub(super) struct Seats {
    number: usize,
    taken: BTreeSet<ShardKey>,
    /// Those that are known to have more.
    hungry: VecDeque<ShardKey>,
    others: VecDeque<ShardKey>,
    /// Whether the next seat is for one of the hungry.
    hungry_next: bool,
}

impl Seats {
    /// Sets how many seats there are. Those that sit stay.
    pub(super) fn provide(&mut self, number: usize, pushed: bool) {
        let times = if pushed { PUSHED } else { 1 };
        self.number = number.max(1).saturating_mul(times);
    }

    pub(super) fn has(&self, shard: ShardKey) -> bool {
        self.taken.contains(&shard)
    }

    /// Tells whether somebody waits for a seat.
    pub(super) fn are_wanted(&self) -> bool {
        !self.hungry.is_empty() || !self.others.is_empty()
    }

    /// Gives `shard` a seat if there is one for which nobody waits, and returns whether it has one.
    pub(super) fn take(&mut self, shard: ShardKey) -> bool {
        if !self.has(shard) && self.is_any_free() && !self.are_wanted() {
            self.taken.insert(shard);
        }
        self.has(shard)
    }

    /// Puts `shard` at the end of its line. It must not stand in one already.
    pub(super) fn line_up(&mut self, shard: ShardKey, is_hungry: bool) {
        let line = if is_hungry {
            &mut self.hungry
        } else {
            &mut self.others
        };
        line.push_back(shard);
    }

    /// Gives the next one in line a seat, if there is one.
    pub(super) fn seat_next(&mut self) -> Option<ShardKey> {
        if !self.is_any_free() {
            return None;
        }
        let (first, second) = if self.hungry_next {
            (&mut self.hungry, &mut self.others)
        } else {
            (&mut self.others, &mut self.hungry)
        };
        let shard = first.pop_front().or_else(|| second.pop_front())?;
        self.hungry_next = !self.hungry_next;
        self.taken.insert(shard);
        Some(shard)
    }

    /// Takes it that `shard` needs its seat no more.
    pub(super) fn leave(&mut self, shard: ShardKey) {
        self.taken.remove(&shard);
    }

    /// Sends away all who wait.
    pub(super) fn clear_lines(&mut self) {
        self.hungry.clear();
        self.others.clear();
    }

    fn is_any_free(&self) -> bool {
        self.taken.len() < self.number
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seats_go_to_both_lines_in_turn_and_to_those_who_waited_longest() {
        let mut seats = Seats::default();
        seats.provide(1, false);
        assert!(seats.take(ShardKey(0)), "the first finds a seat");
        for key in 1..4 {
            assert!(!seats.take(ShardKey(key)));
            seats.line_up(ShardKey(key), false);
        }
        seats.line_up(ShardKey(10), true);
        seats.line_up(ShardKey(11), true);
        assert_eq!(seats.seat_next(), None, "there is none left");
        let mut seated = ShardKey(0);
        let order: Vec<u32> = std::iter::from_fn(|| {
            seats.leave(seated);
            seated = seats.seat_next()?;
            Some(seated.0)
        })
        .collect();
        assert_eq!(order, [1, 10, 2, 11, 3]);
    }

    #[test]
    fn nobody_passes_those_who_wait() {
        let mut seats = Seats::default();
        seats.provide(1, false);
        assert!(seats.take(ShardKey(0)));
        seats.line_up(ShardKey(1), false);
        seats.leave(ShardKey(0));
        assert!(!seats.take(ShardKey(2)));
        assert_eq!(seats.seat_next(), Some(ShardKey(1)));
    }

    #[test]
    fn where_records_are_pushed_more_shards_are_waited_for() {
        let mut seats = Seats::default();
        seats.provide(SHARDS_AT_ONCE, true);
        let seated = (0..1_000).filter(|&key| seats.take(ShardKey(key)));
        assert_eq!(seated.count(), 512);
    }
}
