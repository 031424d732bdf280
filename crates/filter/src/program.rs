//! The compiled form of a set of patterns: a tree of field names with a bit per field.
//!
//! Every field of every alternative of every pattern has one bit. Walking an event sets bits in
//! two masks: *satisfied* (a value was accepted) and *present* (any leaf stood there). An
//! alternative matches if each of its bits is satisfied, or may be absent and is not present.

use crate::pattern::{Field, Pattern};
use crate::predicate::Predicate;

/// Bits of a mask, by word.
pub(crate) type Marks = Box<[(u32, u64)]>;

/// A compiled set of patterns.
#[derive(Debug, Default)]
pub(crate) struct Program {
    pub(crate) nodes: Vec<Node>,
    pub(crate) alternatives: Vec<Alternative>,
    /// Bits of fields that may be absent.
    pub(crate) absentable: Vec<u64>,
    /// Words in a mask.
    pub(crate) words: usize,
}

/// One way to satisfy one pattern.
#[derive(Debug)]
pub(crate) struct Alternative {
    pub(crate) pattern: usize,
    /// Indices into the pattern's fields, in the order of their bits.
    pub(crate) fields: Vec<usize>,
    pub(crate) first_bit: usize,
    pub(crate) need: Marks,
}

/// A place in the tree of field names. Node 0 is the root.
#[derive(Debug, Default)]
pub(crate) struct Node {
    pub(crate) children: Children,
    pub(crate) leaves: Vec<LeafTest>,
    /// Any of `leaves` looks at the values of numbers.
    pub(crate) compares: bool,
    /// The fields strictly below, per alternative that has at least two of them: one element of
    /// an array must satisfy all of them.
    pub(crate) groups: Vec<Marks>,
    /// The other fields strictly below, which any element may satisfy.
    pub(crate) free: Marks,
    /// The fields at this node.
    pub(crate) own: Marks,
    /// All fields strictly below.
    pub(crate) below: Marks,
}

/// A predicate and the bits of the fields that share it.
#[derive(Debug)]
pub(crate) struct LeafTest {
    pub(crate) predicate: Predicate,
    pub(crate) marks: Marks,
}

/// Child nodes by field name.
#[derive(Debug, Default)]
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
        if let Ok(at) = self.position(name) {
            return Found::Child(self.entries[at].1);
        }
        if memchr::memchr(b'.', name).is_some() {
            Found::Dotted
        } else {
            Found::Nothing
        }
    }

    fn position(&self, name: &[u8]) -> Result<usize, usize> {
        self.entries
            .binary_search_by(|(entry, _)| (entry.len(), &**entry).cmp(&(name.len(), name)))
    }

    fn add(&mut self, name: &[u8], node: u32) {
        if let Err(at) = self.position(name) {
            self.entries.insert(at, (name.into(), node));
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
    pub(crate) fn new(patterns: &[Pattern]) -> Self {
        let mut program = Self {
            nodes: vec![Node::default()],
            ..Self::default()
        };
        let mut placed = Vec::new();
        let mut bits = 0;
        for (index, pattern) in patterns.iter().enumerate() {
            for fields in &pattern.alternatives {
                let first_bit = bits;
                bits += fields.len();
                program.alternatives.push(Alternative {
                    pattern: index,
                    fields: fields.clone(),
                    first_bit,
                    need: marks(first_bit..bits),
                });
                placed.push(program.place(&pattern.fields, fields, first_bit));
            }
        }
        program.words = bits.div_ceil(64);
        program.absentable = vec![0; program.words];
        for alternative in &program.alternatives {
            let pattern = &patterns[alternative.pattern];
            for (bit, field) in (alternative.first_bit..).zip(&alternative.fields) {
                if pattern.fields[*field].predicate.allows_absence() {
                    program.absentable[bit / 64] |= 1 << (bit % 64);
                }
            }
        }
        program.group(&placed);
        program
    }

    /// Puts an alternative's fields in the tree; returns each bit with its node and those above.
    fn place(&mut self, fields: &[Field], chosen: &[usize], first_bit: usize) -> Vec<Placed> {
        let mut placed = Vec::with_capacity(chosen.len());
        for (bit, field) in (first_bit..).zip(chosen) {
            let field = &fields[*field];
            let mut trail = vec![0];
            for name in field.path.split(|&byte| byte == b'.') {
                let node = self.child(trail[trail.len() - 1], name);
                trail.push(node);
            }
            let node = &mut self.nodes[trail[trail.len() - 1]];
            let mark = marks(bit..bit + 1);
            node.compares |= field.predicate.compares();
            match node
                .leaves
                .iter_mut()
                .find(|leaf| leaf.predicate == field.predicate)
            {
                Some(leaf) => leaf.marks = union(&leaf.marks, &mark),
                None => {
                    node.leaves.push(LeafTest {
                        predicate: field.predicate.clone(),
                        marks: mark,
                    });
                }
            }
            placed.push(Placed { bit, trail });
        }
        placed
    }

    fn child(&mut self, parent: usize, name: &[u8]) -> usize {
        if let Some(node) = self.nodes[parent].children.find(name) {
            return node as usize;
        }
        let node = self.nodes.len();
        self.nodes.push(Node::default());
        self.nodes[parent].children.add(name, node as u32);
        node
    }

    /// Tells every node which fields stand at and below it, grouped by alternative.
    fn group(&mut self, alternatives: &[Vec<Placed>]) {
        for fields in alternatives {
            let mut below: Vec<(usize, usize)> = Vec::new();
            for Placed { bit, trail } in fields {
                let mark = marks(*bit..*bit + 1);
                if let Some((node, above)) = trail.split_last() {
                    let node = &mut self.nodes[*node];
                    node.own = union(&node.own, &mark);
                    below.extend(above.iter().map(|node| (*node, *bit)));
                }
            }
            below.sort_unstable();
            for chunk in below.chunk_by(|one, other| one.0 == other.0) {
                let mut mask: Marks = Box::default();
                for (_, bit) in chunk {
                    mask = union(&mask, &marks(*bit..*bit + 1));
                }
                let node = &mut self.nodes[chunk[0].0];
                node.below = union(&node.below, &mask);
                if chunk.len() > 1 {
                    node.groups.push(mask);
                } else {
                    node.free = union(&node.free, &mask);
                }
            }
        }
    }
}

struct Placed {
    bit: usize,
    /// From the root to the field's node.
    trail: Vec<usize>,
}

fn marks(bits: std::ops::Range<usize>) -> Marks {
    let mut marks: Vec<(u32, u64)> = Vec::new();
    for bit in bits {
        let (word, mask) = ((bit / 64) as u32, 1 << (bit % 64));
        match marks.last_mut() {
            Some(last) if last.0 == word => last.1 |= mask,
            _ => marks.push((word, mask)),
        }
    }
    marks.into()
}

fn union(one: &[(u32, u64)], other: &[(u32, u64)]) -> Marks {
    let mut all = one.to_vec();
    for &(word, mask) in other {
        match all.iter_mut().find(|(known, _)| *known == word) {
            Some(known) => known.1 |= mask,
            None => all.push((word, mask)),
        }
    }
    all.into()
}
