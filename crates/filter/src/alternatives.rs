//! Multiplies `$or` out: which field is needed by which alternative.
//!
//! No alternative has a list of its fields. Each *field* has a bit for every alternative instead, so that
//! thousands of alternatives cost a field some words, and what all of them share is there once.

use std::collections::HashMap;

use crate::field::Field;

/// The alternatives of a part of a pattern, and its fields.
pub(crate) struct Alternatives {
    count: usize,
    /// The fields of each path, which no two of the same alternative share.
    fields: HashMap<Box<[u8]>, Vec<(Field, Bits)>>,
}

impl Alternatives {
    /// A single alternative that needs nothing.
    pub(crate) fn one() -> Self {
        Self {
            count: 1,
            ..Self::none()
        }
    }

    pub(crate) fn none() -> Self {
        Self {
            count: 0,
            fields: HashMap::new(),
        }
    }

    pub(crate) fn count(&self) -> usize {
        self.count
    }

    /// Has every alternative need a field. It replaces an earlier one of the same path.
    pub(crate) fn need(&mut self, field: Field) {
        let all = Bits::all(self.count);
        self.fields.insert(field.path.clone(), vec![(field, all)]);
    }

    /// Adds the alternatives of another branch, if there are no more than `max` then.
    pub(crate) fn append(&mut self, branch: Self, max: usize) -> Result<(), usize> {
        let count = self.count + branch.count;
        if count > max {
            return Err(max);
        }
        for (path, fields) in branch.fields {
            let known = self.fields.entry(path).or_default();
            known.extend(fields.into_iter().map(|(field, of_branch)| {
                let mut bits = Bits::none(count);
                bits.add(&of_branch, self.count);
                (field, bits)
            }));
        }
        self.count = count;
        Ok(())
    }

    /// Combines each alternative with each of `later`, if they make no more than `max`. The later fields
    /// replace the earlier ones of the same path.
    pub(crate) fn multiply(&mut self, later: Self, max: usize) -> Result<(), usize> {
        let count = self.count * later.count;
        if count > max {
            return Err(max);
        }
        for (_, bits) in self.fields.values_mut().flatten() {
            *bits = bits.repeated(self.count, later.count);
        }
        for (path, fields) in later.fields {
            let fields: Vec<(Field, Bits)> = fields
                .into_iter()
                .map(|(field, bits)| (field, bits.widened(later.count, self.count)))
                .collect();
            let mut replaced = Bits::none(count);
            for (_, bits) in &fields {
                replaced.add(bits, 0);
            }
            let known = self.fields.entry(path).or_default();
            known.retain_mut(|(_, bits)| bits.remove(&replaced));
            known.extend(fields);
        }
        self.count = count;
        Ok(())
    }

    pub(crate) fn into_fields(self) -> Vec<(Field, Bits)> {
        self.fields.into_values().flatten().collect()
    }
}

/// A set of alternatives: a bit for each, up to the last word that has any or further.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Bits(Vec<u64>);

impl Bits {
    pub(crate) fn none(count: usize) -> Self {
        // One word more takes what `add` shifts out of the last one.
        Self(vec![0; count / 64 + 1])
    }

    pub(crate) fn all(count: usize) -> Self {
        let mut all = Self::none(count);
        all.fill(0, count);
        all
    }

    pub(crate) fn clear(&mut self) {
        self.0.fill(0);
    }

    fn contains(&self, at: usize) -> bool {
        let word = self.0.get(at / 64);
        word.is_some_and(|word| word >> (at % 64) & 1 == 1)
    }

    fn fill(&mut self, from: usize, to: usize) {
        for word in from / 64..=to / 64 {
            self.0[word] |= between(from, to, word);
        }
    }

    /// Adds the alternatives of another set, each moved by `by`.
    pub(crate) fn add(&mut self, other: &Self, by: usize) {
        let (word, shift) = (by / 64, by % 64);
        for (index, &bits) in other.0.iter().enumerate().filter(|(_, bits)| **bits != 0) {
            self.0[word + index] |= bits << shift;
            // In two steps, as a shift by 64 is none.
            let rest = bits >> 1 >> (63 - shift);
            if rest != 0 {
                self.0[word + index + 1] |= rest;
            }
        }
    }

    /// Returns whether any is left.
    fn remove(&mut self, other: &Self) -> bool {
        let mut left = 0;
        for (bits, removed) in self.0.iter_mut().zip(&other.0) {
            *bits &= !removed;
            left |= *bits;
        }
        left != 0
    }

    /// Returns the set, one of `count` alternatives, `times` times after another.
    fn repeated(&self, count: usize, times: usize) -> Self {
        let mut all = Self::none(count * times);
        all.add(self, 0);
        let mut done = 1;
        while done < times {
            // Twice as many; in the end some of them a second time.
            let more = done.min(times - done);
            all.add(&all.clone(), more * count);
            done += more;
        }
        all
    }

    /// Returns the set, one of `count` alternatives, with `times` in the place of each.
    fn widened(&self, count: usize, times: usize) -> Self {
        let mut all = Self::none(count * times);
        for at in (0..count).filter(|at| self.contains(*at)) {
            all.fill(at * times, (at + 1) * times);
        }
        all
    }

    /// Adds alternatives of which none is in the set, given as words from the place `first` on; returns false if
    /// one is.
    pub(crate) fn add_new(&mut self, (first, words): (usize, &[u64])) -> bool {
        let mut mine = self.0[first..].iter_mut().zip(words);
        mine.all(|(mine, more)| {
            let new = *mine & more == 0;
            *mine |= more;
            new
        })
    }

    /// Returns the words from the first to the last that has bits, and the place of the first.
    pub(crate) fn words(&self) -> (usize, &[u64]) {
        let any = |bits: &u64| *bits != 0;
        let first = self.0.iter().position(any).unwrap_or(0);
        let end = self.0.iter().rposition(any).map_or(0, |last| last + 1);
        (first, &self.0[first..end])
    }
}

/// Returns the bits of a word that stand for `from..to` among those of all words.
#[inline]
pub(crate) fn between(from: usize, to: usize, word: usize) -> u64 {
    up_to(to, word) & !up_to(from, word)
}

#[inline]
fn up_to(end: usize, word: usize) -> u64 {
    match end.saturating_sub(word * 64) {
        count @ 0..64 => (1 << count) - 1,
        _ => u64::MAX,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn members(bits: &Bits) -> Vec<usize> {
        let all = 0..bits.0.len() * 64;
        all.filter(|at| bits.contains(*at)).collect()
    }

    fn set(count: usize, of: impl Fn(&usize) -> bool) -> Bits {
        let mut bits = Bits::none(count);
        for at in (0..count).filter(of) {
            bits.fill(at, at + 1);
        }
        bits
    }

    #[test]
    fn sets_of_every_width_repeat_and_widen() {
        for count in [1, 2, 3, 31, 63, 64, 65, 130] {
            for times in [1, 2, 3, 7] {
                let bits = set(count, |at| at % 3 == 0);
                let repeated = set(count * times, |at| at % count % 3 == 0);
                assert_eq!(members(&bits.repeated(count, times)), members(&repeated));
                let widened = set(count * times, |at| at / times % 3 == 0);
                assert_eq!(members(&bits.widened(count, times)), members(&widened));
            }
        }
    }

    #[test]
    fn a_range_is_cut_by_words() {
        let all = |from, to| [0, 1, 2].map(|word| between(from, to, word));
        assert_eq!(all(0, 0), [0, 0, 0]);
        assert_eq!(all(3, 5), [0b11000, 0, 0]);
        assert_eq!(all(63, 129), [1 << 63, u64::MAX, 1]);
        assert_eq!(all(64, 128), [0, u64::MAX, 0]);
    }
}
