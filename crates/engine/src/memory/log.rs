//! A list of things in the order they came, found by their number.

use std::collections::VecDeque;

/// The number of a thing: 1 for the first.
pub(super) type Sequence = u64;

/// Things by sequence. Unlike a hash map, neighbours in time are neighbours in memory.
#[derive(Debug)]
pub(super) struct Log<T> {
    /// The oldest first; a gap where something was removed before older ones.
    slots: VecDeque<Option<Box<T>>>,
    last: Sequence,
    len: usize,
}

impl<T> Default for Log<T> {
    fn default() -> Self {
        Self {
            slots: VecDeque::new(),
            last: 0,
            len: 0,
        }
    }
}

impl<T> Log<T> {
    pub(super) fn push(&mut self, thing: T) -> Sequence {
        self.slots.push_back(Some(Box::new(thing)));
        self.len += 1;
        self.last += 1;
        self.last
    }

    pub(super) fn get(&self, sequence: Sequence) -> Option<&T> {
        self.slots.get(self.index(sequence)?)?.as_deref()
    }

    pub(super) fn get_mut(&mut self, sequence: Sequence) -> Option<&mut T> {
        let index = self.index(sequence)?;
        self.slots.get_mut(index)?.as_deref_mut()
    }

    pub(super) fn remove(&mut self, sequence: Sequence) -> Option<T> {
        let index = self.index(sequence)?;
        let removed = self.slots.get_mut(index)?.take()?;
        self.len -= 1;
        while let Some(None) = self.slots.front() {
            self.slots.pop_front();
        }
        Some(*removed)
    }

    /// Tells whether something with this number was ever pushed.
    pub(super) const fn knows(&self, sequence: Sequence) -> bool {
        sequence >= 1 && sequence <= self.last
    }

    /// Returns the number of what was pushed last; 0 before the first.
    pub(super) const fn last(&self) -> Sequence {
        self.last
    }

    pub(super) const fn len(&self) -> usize {
        self.len
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &T> {
        self.slots.iter().flatten().map(AsRef::as_ref)
    }

    fn index(&self, sequence: Sequence) -> Option<usize> {
        let first = self.last + 1 - self.slots.len() as Sequence;
        usize::try_from(sequence.checked_sub(first)?).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn things_are_found_by_their_number_whatever_was_removed_before() {
        let mut log = Log::default();
        for n in 1..=5u64 {
            assert_eq!(log.push(n * 10), n);
        }
        assert_eq!(log.remove(2), Some(20));
        assert_eq!(log.remove(1), Some(10));
        assert_eq!(log.remove(1), None);
        assert_eq!((log.get(2), log.get(3), log.len()), (None, Some(&30), 3));
        assert_eq!(log.push(60), 6);
        assert_eq!(log.iter().copied().collect::<Vec<_>>(), [30, 40, 50, 60]);
        assert!(log.knows(1) && !log.knows(0) && !log.knows(7));
        assert_eq!(log.get(7), None);
    }
}
