//! The compiled form of a set of patterns: a tree of field names with a bit per field.
//!
//! Every distinct field of the patterns has one bit. Walking an event sets bits in two masks: *satisfied* (a value
//! was accepted) and *present* (any leaf stood there). A field is met if it is satisfied, or may be absent and is
//! not present. Every field knows the alternatives that need it, so that those of the fields that are *not* met
//! are out, and the others match.

use std::ops::Range;

use crate::alternatives::{Bits, between};
use crate::field::Field;
use crate::pattern::Pattern;

/// A compiled set of patterns.
#[derive(Clone, Debug, Default)]
pub(crate) struct Program {
    pub(crate) nodes: Vec<Node>,
    /// By bit, in the order of their paths: fields at and below a node have bits in a row.
    pub(crate) fields: Vec<Field>,
    /// The alternatives that need each field.
    pub(crate) needs: Needs,
    /// Bits of fields that may be absent.
    pub(crate) absentable: Vec<u64>,
    /// Words in a mask of fields.
    pub(crate) words: usize,
    /// Where the alternatives of each pattern end.
    pub(crate) ends: Vec<usize>,
    /// The bits of all alternatives.
    pub(crate) alternatives: Vec<u64>,
}

/// For each field the alternatives that need it, as the words of a mask from the first to the last that has any.
#[derive(Clone, Debug, Default)]
pub(crate) struct Needs {
    words: Vec<u64>,
    /// Of each field: the first of its words in the mask, and where they begin and end in `words`.
    places: Vec<(usize, Range<usize>)>,
    one_word: bool,
}

impl Needs {
    fn push(&mut self, alternatives: &Bits) {
        let (first, words) = alternatives.words();
        let start = self.words.len();
        self.words.extend_from_slice(words);
        self.places.push((first, start..self.words.len()));
    }

    /// Takes a field from all alternatives.
    fn clear(&mut self, bit: usize) {
        let (_, place) = &self.places[bit];
        self.words[place.clone()].fill(0);
    }

    /// Returns the word of each field if one holds all alternatives.
    #[inline]
    pub(crate) fn in_one_word(&self) -> Option<&[u64]> {
        self.one_word.then_some(&self.words)
    }

    /// Returns a field's words, and the place of the first one in the mask.
    #[inline]
    pub(crate) fn of(&self, bit: usize) -> (usize, &[u64]) {
        let (first, place) = &self.places[bit];
        (*first, &self.words[place.clone()])
    }
}

/// Fields whose bits are in a row.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) start: usize,
    pub(crate) end: usize,
}

impl Span {
    pub(crate) fn is_empty(self) -> bool {
        self.start >= self.end
    }

    #[inline]
    pub(crate) fn contains(self, bit: usize) -> bool {
        (self.start..self.end).contains(&bit)
    }

    /// Returns the words of a mask in which the fields have bits.
    #[inline]
    pub(crate) fn words(self) -> Range<usize> {
        self.start / 64..self.end.div_ceil(64)
    }

    /// Returns the fields' bits of one word.
    #[inline]
    pub(crate) fn mask(self, word: usize) -> u64 {
        between(self.start, self.end, word)
    }
}

/// A place in the tree of field names. Node 0 is the root.
#[derive(Clone, Debug, Default)]
pub(crate) struct Node {
    pub(crate) children: Children,
    /// Any of its own fields looks at the values of numbers.
    pub(crate) compares: bool,
    /// The fields at this node.
    pub(crate) own: Span,
    /// All fields strictly below.
    pub(crate) below: Span,
    /// Some alternative needs at least two of the fields below, all of which one element of an array must
    /// satisfy. If not, it is all the same in which element a value stands.
    pub(crate) together: bool,
}

/// Child nodes by field name.
#[derive(Clone, Debug, Default)]
pub(crate) struct Children {
    /// Sorted by length and content.
    entries: Vec<(Box<[u8]>, u32)>,
}

/// Up to this many names are compared one after the other.
const FEW: usize = 8;

impl Children {
    pub(crate) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &[u8]> {
        self.entries.iter().map(|(name, _)| &**name)
    }

    /// Finds the child of an unescaped name.
    #[inline]
    pub(crate) fn find(&self, name: &[u8]) -> Option<u32> {
        match self.look_up(name) {
            Found::Child(node) => Some(node),
            Found::Dotted | Found::Nothing => None,
        }
    }

    /// Like [`Self::find`], but tells apart names that may stand for nesting.
    #[inline]
    pub(crate) fn look_up(&self, name: &[u8]) -> Found {
        if self.entries.len() > FEW {
            return self.search(name);
        }
        for (entry, node) in &self.entries {
            let length = entry.len();
            if name.len() == length {
                if **entry == *name {
                    return Found::Child(*node);
                }
            } else if name.get(length) == Some(&b'.') && name.starts_with(entry) {
                return Found::Dotted;
            }
        }
        Found::Nothing
    }

    fn search(&self, name: &[u8]) -> Found {
        let by_length =
            |(entry, _): &(Box<[u8]>, u32)| (entry.len(), &**entry).cmp(&(name.len(), name));
        if let Ok(at) = self.entries.binary_search_by(by_length) {
            return Found::Child(self.entries[at].1);
        }
        if memchr::memchr(b'.', name).is_some() {
            Found::Dotted
        } else {
            Found::Nothing
        }
    }
}

/// What [`Children`] know of a name.
pub(crate) enum Found {
    Child(u32),
    /// No child, but the name has a dot, and what stands before one may be a child.
    Dotted,
    Nothing,
}

impl Program {
    pub(crate) fn new(patterns: Vec<Pattern>) -> Self {
        let mut program = Self::default();
        program.take_fields(patterns);
        let alternatives = program.ends.last().copied().unwrap_or_default();
        let words = 0..alternatives.div_ceil(64);
        program.alternatives = words.map(|word| between(0, alternatives, word)).collect();
        program.needs.one_word = program.alternatives.len() == 1;
        program.words = program.fields.len().div_ceil(64);
        program.absentable = vec![0; program.words];
        for (bit, field) in program.fields.iter().enumerate() {
            program.absentable[bit / 64] |=
                u64::from(field.predicate.allows_absence()) << (bit % 64);
        }
        program.grow_tree();
        program.find_together();
        program
    }

    /// Has no alternative need a field.
    pub(crate) fn forgo(&mut self, bit: usize) {
        self.needs.clear(bit);
        self.find_together();
    }

    fn find_together(&mut self) {
        for node in (0..self.nodes.len()).rev() {
            self.nodes[node].together = self.is_together(&self.nodes[node]);
        }
    }

    /// Gives each distinct field a bit, and each pattern's alternatives their places after one another.
    fn take_fields(&mut self, patterns: Vec<Pattern>) {
        let mut all = Vec::new();
        let mut alternatives = 0;
        for pattern in patterns {
            let fields = pattern.fields.into_iter();
            all.extend(fields.map(|(field, bits)| (field, bits, alternatives)));
            alternatives += pattern.alternatives;
            self.ends.push(alternatives);
        }
        all.sort_by(|(one, ..), (other, ..)| {
            let by_path = names(&one.path).cmp(names(&other.path));
            by_path.then_with(|| one.source.cmp(&other.source))
        });
        // What is no Unicode in it is not told apart by the source.
        let same = |one: &Field, other: &Field| {
            one.path == other.path && one.source == other.source && one.predicate == other.predicate
        };
        let mut needed_by = Bits::none(alternatives);
        for fields in all.chunk_by(|(one, ..), (other, ..)| same(one, other)) {
            needed_by.clear();
            for (_, bits, from) in fields {
                needed_by.add(bits, *from);
            }
            self.needs.push(&needed_by);
        }
        self.fields = all.into_iter().map(|(field, ..)| field).collect();
        self.fields.dedup_by(|one, other| same(one, other));
    }

    /// Makes the nodes of all paths, each after its parent.
    fn grow_tree(&mut self) {
        self.nodes.push(Node::default());
        // The way to the last field, without and with the root.
        let (mut way, mut trail): (Vec<&[u8]>, Vec<usize>) = (Vec::new(), vec![0]);
        for (bit, field) in self.fields.iter().enumerate() {
            let path = names(&field.path);
            let shared = way
                .iter()
                .zip(path.clone())
                .take_while(|(one, other)| **one == *other)
                .count();
            way.truncate(shared);
            close(&mut self.nodes, &mut trail, shared + 1, bit);
            for name in path.skip(shared) {
                let node = self.nodes.len();
                let start = Span {
                    start: bit,
                    end: bit,
                };
                self.nodes.push(Node {
                    own: start,
                    below: start,
                    ..Node::default()
                });
                let parent = &mut self.nodes[trail[trail.len() - 1]];
                parent.children.entries.push((name.into(), node as u32));
                way.push(name);
                trail.push(node);
            }
            let node = &mut self.nodes[trail[trail.len() - 1]];
            node.compares |= field.predicate.compares();
            node.own.end = bit + 1;
            node.below.start = bit + 1;
        }
        close(&mut self.nodes, &mut trail, 0, self.fields.len());
    }

    /// Finds the node of a member in which dots stand for nesting, but none at or below the node `except`.
    #[cold]
    pub(crate) fn below<'a>(
        &'a self,
        mut children: &'a Children,
        mut name: &[u8],
        except: Option<u32>,
    ) -> Option<u32> {
        let wanted = |child: &u32| Some(*child) != except;
        loop {
            if let Some(child) = children.find(name) {
                return Some(child).filter(wanted);
            }
            let dot = memchr::memchr(b'.', name)?;
            let child = children.find(&name[..dot]).filter(wanted)?;
            children = &self.nodes[child as usize].children;
            name = &name[dot + 1..];
        }
    }

    pub(crate) fn all_fields(&self) -> Span {
        Span {
            start: 0,
            end: self.fields.len(),
        }
    }

    /// Returns the pattern of an alternative.
    pub(crate) fn pattern(&self, alternative: usize) -> usize {
        self.ends.partition_point(|end| *end <= alternative)
    }

    /// Returns the alternatives of a pattern.
    pub(crate) fn of_pattern(&self, pattern: usize) -> Range<usize> {
        let start = pattern.checked_sub(1).map_or(0, |before| self.ends[before]);
        start..self.ends[pattern]
    }

    /// Returns the words in which a pattern's alternatives have bits, and those bits.
    pub(crate) fn words_of(&self, pattern: usize) -> impl Iterator<Item = (usize, u64)> {
        let Range { start, end } = self.of_pattern(pattern);
        let words = start / 64..end.div_ceil(64);
        words.map(move |word| (word, between(start, end, word)))
    }

    /// Returns the bits of the alternatives that need any of the chosen fields.
    pub(crate) fn needing(&self, chosen: impl Iterator<Item = bool>) -> Vec<u64> {
        let mut all = vec![0; self.alternatives.len()];
        for (bit, _) in chosen.enumerate().filter(|(_, chosen)| *chosen) {
            let (first, words) = self.needs.of(bit);
            for (known, more) in all[first..].iter_mut().zip(words) {
                *known |= more;
            }
        }
        all
    }

    /// Returns the fields that an alternative needs.
    pub(crate) fn fields_of(&self, alternative: usize) -> impl Iterator<Item = usize> {
        let needs = move |bit: &usize| {
            let (first, words) = self.needs.of(*bit);
            let word = (alternative / 64).checked_sub(first);
            word.and_then(|word| words.get(word))
                .is_some_and(|word| word >> (alternative % 64) & 1 == 1)
        };
        (0..self.fields.len()).filter(needs)
    }

    /// Tells whether any alternative needs two of the fields below a node. Its children know that already.
    fn is_together(&self, node: &Node) -> bool {
        let mut children = node
            .children
            .entries
            .iter()
            .map(|(_, child)| &self.nodes[*child as usize]);
        if children.clone().any(|child| child.together) {
            return true;
        }
        // Nothing more is below than below an only child: the same answer.
        if children.len() == 1 && children.all(|child| child.own.is_empty()) {
            return false;
        }
        let mut seen = Bits::none(self.alternatives.len() * 64);
        let mut below = node.below.start..node.below.end;
        !below.all(|bit| seen.add_new(self.needs.of(bit)))
    }
}

/// Leaves the nodes of a trail from the place `from` on: all fields from `bit` on are elsewhere.
fn close(nodes: &mut [Node], trail: &mut Vec<usize>, from: usize, bit: usize) {
    for node in trail.drain(from.min(trail.len())..) {
        nodes[node].below.end = bit;
        let entries = &mut nodes[node].children.entries;
        entries.sort_by(|(one, _), (other, _)| (one.len(), one).cmp(&(other.len(), other)));
    }
}

/// Splits a path.
fn names(path: &[u8]) -> impl Iterator<Item = &[u8]> + Clone {
    path.split(|&byte| byte == b'.')
}
