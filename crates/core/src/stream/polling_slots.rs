//! PollingSlots at the source: so many shards of a mapping call it at a time, and each comes to its turn.
//!
//! A shard keeps its slot from the first call of its turn until a page or a failure ends that: what is opened is
//! read at once, while its position is good. Whoever finds no slot lines up: those whose last page said that there
//! is more in one line, the others in a second one, and the lines take turns. So no shard waits for more than
//! one turn of each other shard of its line and as many of the other line; and one that has records is not
//! held up by thousands that have none.

use std::collections::{BTreeSet, VecDeque};

use super::shard_key::ShardKey;

/// How many shards of a mapping call the source at a time: 64. Lambda documents no bound. Each call may take a
/// connection, of which a process often has 1,024 for everything; and 64 calls of 20 ms read 3,200 shards a second.
pub const SHARDS_AT_ONCE: usize = 64;

/// How many times as many read at a time where records are pushed: a read then is little more than waiting, and
/// most of the shards should be waited for.
const PUSHED: usize = 8;

/// Who has a slot, and who waits for one.
#[derive(Debug, Default)]
pub(super) struct PollingSlots {
    number: usize,
    taken: BTreeSet<ShardKey>,
    /// Those that are known to have more.
    hungry: VecDeque<ShardKey>,
    others: VecDeque<ShardKey>,
    /// Whether the next slot is for one of the hungry.
    hungry_next: bool,
}

impl PollingSlots {
    /// Sets how many slots there are. Those that have one keep it.
    pub(super) fn provide(&mut self, number: usize, pushed: bool) {
        let times = if pushed { PUSHED } else { 1 };
        self.number = number.max(1).saturating_mul(times);
    }

    pub(super) fn has(&self, shard: ShardKey) -> bool {
        self.taken.contains(&shard)
    }

    /// Tells whether somebody waits for a slot.
    pub(super) fn are_wanted(&self) -> bool {
        !self.hungry.is_empty() || !self.others.is_empty()
    }

    /// Gives `shard` a slot if there is one for which nobody waits, and returns whether it has one.
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

    /// Gives the next one in line a slot, if there is one.
    pub(super) fn give_next(&mut self) -> Option<ShardKey> {
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

    /// Takes it that `shard` needs its slot no more.
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
    fn slots_go_to_both_lines_in_turn_and_to_those_who_waited_longest() {
        let mut slots = PollingSlots::default();
        slots.provide(1, false);
        assert!(slots.take(ShardKey(0)), "the first finds a slot");
        for key in 1..4 {
            assert!(!slots.take(ShardKey(key)));
            slots.line_up(ShardKey(key), false);
        }
        slots.line_up(ShardKey(10), true);
        slots.line_up(ShardKey(11), true);
        assert_eq!(slots.give_next(), None, "there is none left");
        let mut holder = ShardKey(0);
        let order: Vec<u32> = std::iter::from_fn(|| {
            slots.leave(holder);
            holder = slots.give_next()?;
            Some(holder.0)
        })
        .collect();
        assert_eq!(order, [1, 10, 2, 11, 3]);
    }

    #[test]
    fn nobody_passes_those_who_wait() {
        let mut slots = PollingSlots::default();
        slots.provide(1, false);
        assert!(slots.take(ShardKey(0)));
        slots.line_up(ShardKey(1), false);
        slots.leave(ShardKey(0));
        assert!(!slots.take(ShardKey(2)));
        assert_eq!(slots.give_next(), Some(ShardKey(1)));
    }

    #[test]
    fn where_records_are_pushed_more_shards_are_waited_for() {
        let mut slots = PollingSlots::default();
        slots.provide(SHARDS_AT_ONCE, true);
        let holders = (0..1_000).filter(|&key| slots.take(ShardKey(key)));
        assert_eq!(holders.count(), 512);
    }
}
