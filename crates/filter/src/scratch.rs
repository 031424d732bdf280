//! What is known of an event while it is walked, and which alternatives match in the end.

use std::ops::Range;

use crate::predicate::Leaf;
use crate::program::{Node, Program, Span};

/// Working memory for matching. Keep one per thread and pass it to every call: after the first
/// few records, matching allocates nothing.
#[derive(Debug, Default)]
pub struct Scratch {
    /// What fields have met: a frame for the event, and one per array element being walked, outermost first.
    seen: Vec<Seen>,
    /// Where the innermost frame begins.
    frame: usize,
    arrays: Arrays,
    /// The alternatives that are still possible.
    open: Vec<u64>,
    pub(crate) name: Vec<u8>,
    pub(crate) value: Vec<u8>,
}

/// A word of the masks of a frame.
#[derive(Clone, Copy, Debug, Default)]
struct Seen {
    /// Fields that accepted a value.
    satisfied: u64,
    /// Fields at which a leaf stood.
    present: u64,
}

/// The arrays of which an element satisfies all that some alternatives need below the array's node.
#[derive(Debug, Default)]
struct Arrays {
    /// The arrays' nodes; those of the innermost frame stand at the end.
    nodes: Vec<u32>,
    /// A mask of those alternatives for each of `nodes`.
    alternatives: Vec<u64>,
    /// Where those of the innermost frame begin.
    from: usize,
}

/// The frame around an array's element, to go back to.
pub(crate) struct Outer {
    arrays_from: usize,
}

/// Fields that ask for the other form of data than a record has.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Misfits {
    pub(crate) fields: Span,
    /// They count as met; else as not met.
    pub(crate) ignored: bool,
}

impl Scratch {
    /// Forgets the last event and makes room for one.
    pub(crate) fn reset(&mut self, program: &Program) {
        self.frame = 0;
        self.arrays.nodes.clear();
        self.arrays.alternatives.clear();
        self.arrays.from = 0;
        if self.open.len() != program.alternatives.len() {
            self.open.resize(program.alternatives.len(), 0);
        }
        self.clear(0..program.words);
    }

    #[inline]
    fn clear(&mut self, words: Range<usize>) {
        if self.seen.len() < words.end {
            self.seen.resize(words.end, Seen::default());
        }
        self.seen[words].fill(Seen::default());
    }

    /// Sets the bits that one value at `node` earns.
    #[inline]
    pub(crate) fn test(&mut self, program: &Program, node: &Node, leaf: &Leaf<'_>) {
        let Span { start, end } = node.own;
        for (bit, field) in (start..).zip(&program.fields[start..end]) {
            let accepted = u64::from(field.predicate.accepts(leaf));
            let seen = &mut self.seen[self.frame + bit / 64];
            seen.present |= 1 << (bit % 64);
            seen.satisfied |= accepted << (bit % 64);
        }
    }

    /// Begins an element of an array at `node`.
    #[inline]
    pub(crate) fn begin_element(&mut self, program: &Program, node: &Node) -> Outer {
        self.frame += program.words;
        let words = node.below.words();
        self.clear(self.frame + words.start..self.frame + words.end);
        let arrays_from = self.arrays.from;
        self.arrays.from = self.arrays.nodes.len();
        Outer { arrays_from }
    }

    /// Ends an element: for the array counts which alternatives it satisfies as a whole.
    #[inline]
    pub(crate) fn end_element(&mut self, program: &Program, node: u32, outer: Outer) {
        let below = program.nodes[node as usize].below;
        let any = match program.needs.in_one_word() {
            // As there are most: few alternatives, and no array in the element.
            Some(needs) if self.arrays.is_frame_empty() => {
                let touched = self.touched_of_one_word(needs, below);
                self.open[0] =
                    self.strike_one_word(program, needs, below, Misfits::default(), touched);
                self.open[0] != 0
            }
            _ => self.judge_element(program, below),
        };
        let (outside, element) = self.seen.split_at_mut(self.frame);
        self.frame -= program.words;
        for word in below.words() {
            outside[self.frame + word].present |= element[word].present;
        }
        self.arrays.from = outer.arrays_from;
        if any {
            self.arrays.add(node, &self.open);
        }
    }

    /// Opens the alternatives that an element satisfies. It must satisfy some field of each: without a value there
    /// is nothing to be absent beside. Returns whether there is any; ends the frame's arrays.
    #[inline(never)]
    fn judge_element(&mut self, program: &Program, below: Span) -> bool {
        let any =
            self.open_touched(program, below) && self.strike(program, below, Misfits::default());
        self.arrays.end_frame(self.open.len());
        any
    }

    /// Opens the alternatives of which the element satisfies some field. Returns whether there is any.
    fn open_touched(&mut self, program: &Program, below: Span) -> bool {
        let arrays = self.arrays.of_frame(self.open.len());
        let seen = &self.seen[self.frame..];
        if arrays.is_empty() && below.words().all(|word| seen[word].satisfied == 0) {
            return false;
        }
        self.open.fill(0);
        for word in below.words() {
            for bit in bits(word, seen[word].satisfied) {
                let (first, needing) = program.needs.of(bit);
                add(&mut self.open[first..], needing);
            }
        }
        for held in arrays.chunks_exact(self.open.len()) {
            add(&mut self.open, held);
        }
        true
    }

    /// Closes the open alternatives that need a field among `fields` that is not met. Returns whether any is left.
    fn strike(&mut self, program: &Program, fields: Span, misfits: Misfits) -> bool {
        let mut left = shrink(&self.open, 0..self.open.len());
        for word in fields.words() {
            let unmet = self.unmet(program, word, misfits) & fields.mask(word);
            for bit in bits(word, unmet) {
                let (first, needing) = program.needs.of(bit);
                let common = first.max(left.start)..left.end.min(first + needing.len());
                if common.is_empty() {
                    continue;
                }
                let needing = &needing[common.start - first..common.end - first];
                let open = self.open[common.clone()].iter_mut().zip(needing);
                if self.arrays.is_frame_empty() {
                    open.for_each(|(open, needing)| *open &= !needing);
                } else {
                    for (at, (open, needing)) in common.zip(open) {
                        *open &= !needing | self.arrays.satisfying(program, bit, at);
                    }
                }
                left = shrink(&self.open, left);
                if left.is_empty() {
                    return false;
                }
            }
        }
        true
    }

    /// Returns the fields of a word that are not met, be it by absence.
    #[inline]
    fn unmet(&self, program: &Program, word: usize, misfits: Misfits) -> u64 {
        let seen = &self.seen[self.frame + word];
        let unmet = !(seen.satisfied | program.absentable[word] & !seen.present);
        if misfits.fields.is_empty() {
            return unmet;
        }
        let misfit = misfits.fields.mask(word);
        if misfits.ignored {
            unmet & !misfit
        } else {
            unmet | misfit
        }
    }

    /// Judges the whole event; returns the first alternative that matches.
    #[inline]
    pub(crate) fn first_met(&mut self, program: &Program, misfits: Misfits) -> Option<usize> {
        let all = program.all_fields();
        match program.needs.in_one_word() {
            Some(needs) if self.arrays.is_frame_empty() => {
                let open =
                    self.strike_one_word(program, needs, all, misfits, program.alternatives[0]);
                (open != 0).then(|| open.trailing_zeros() as usize)
            }
            _ => {
                self.open.copy_from_slice(&program.alternatives);
                self.strike(program, all, misfits);
                let mut open = self.open.iter().enumerate();
                open.find_map(|(word, open)| bits(word, *open).next())
            }
        }
    }

    /// Like [`Self::open_touched`], without arrays and for alternatives of one word.
    #[inline]
    fn touched_of_one_word(&self, needs: &[u64], below: Span) -> u64 {
        let mut open = 0;
        for word in below.words() {
            for bit in bits(word, self.seen[self.frame + word].satisfied) {
                open |= needs[bit];
            }
        }
        open
    }

    /// Like [`Self::strike`], without arrays and for alternatives of one word.
    #[inline]
    fn strike_one_word(
        &self,
        program: &Program,
        needs: &[u64],
        fields: Span,
        misfits: Misfits,
        mut open: u64,
    ) -> u64 {
        for word in fields.words() {
            let mut unmet = self.unmet(program, word, misfits) & fields.mask(word);
            while unmet != 0 && open != 0 {
                open &= !needs[word * 64 + unmet.trailing_zeros() as usize];
                unmet &= unmet - 1;
            }
        }
        open
    }

    /// Tells, after the walk, of each field and each of the alternatives `among` that needs it in vain.
    pub(crate) fn each_unmet(
        &self,
        program: &Program,
        misfits: Misfits,
        among: &[u64],
        mut tell: impl FnMut(usize, usize),
    ) {
        let all = program.all_fields();
        for word in all.words() {
            for bit in bits(word, self.unmet(program, word, misfits) & all.mask(word)) {
                let (first, needing) = program.needs.of(bit);
                for (at, needing) in (first..).zip(needing) {
                    let unmet = needing & among[at] & !self.arrays.satisfying(program, bit, at);
                    bits(at, unmet).for_each(|alternative| tell(bit, alternative));
                }
            }
        }
    }
}

impl Arrays {
    /// Returns the masks of the innermost frame, each of so many words.
    #[inline]
    fn of_frame(&self, words: usize) -> &[u64] {
        &self.alternatives[self.from * words..]
    }

    #[inline]
    fn is_frame_empty(&self) -> bool {
        self.nodes.len() == self.from
    }

    /// Forgets those of the innermost frame, whose masks are of so many words.
    fn end_frame(&mut self, words: usize) {
        self.nodes.truncate(self.from);
        self.alternatives.truncate(self.from * words);
    }

    /// Notes the alternatives that an element of the array at `node` satisfies.
    fn add(&mut self, node: u32, alternatives: &[u64]) {
        let mut of_frame = self.nodes[self.from..].iter();
        match of_frame.rposition(|known| *known == node) {
            Some(at) => {
                let start = (self.from + at) * alternatives.len();
                add(&mut self.alternatives[start..], alternatives);
            }
            None => {
                self.nodes.push(node);
                self.alternatives.extend_from_slice(alternatives);
            }
        }
    }

    /// Returns the alternatives, of one word, for which an array in the innermost frame satisfies a field.
    #[inline]
    fn satisfying(&self, program: &Program, bit: usize, word: usize) -> u64 {
        let of_frame = (self.from..self.nodes.len())
            .filter(|at| program.nodes[self.nodes[*at] as usize].below.contains(bit));
        let words = program.alternatives.len();
        of_frame.fold(0, |all, at| all | self.alternatives[at * words + word])
    }
}

/// Leaves out the words at both ends that have no bits.
#[inline]
fn shrink(words: &[u64], mut range: Range<usize>) -> Range<usize> {
    while !range.is_empty() && words[range.start] == 0 {
        range.start += 1;
    }
    while !range.is_empty() && words[range.end - 1] == 0 {
        range.end -= 1;
    }
    range
}

/// Returns the numbers of a word's bits.
#[inline(always)]
fn bits(word: usize, mut bits: u64) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let at = bits.trailing_zeros() as usize;
        // Clears the lowest one.
        (bits != 0).then(|| {
            bits &= bits - 1;
            word * 64 + at
        })
    })
}

#[inline]
fn add(known: &mut [u64], more: &[u64]) {
    for (known, more) in known.iter_mut().zip(more) {
        *known |= more;
    }
}
