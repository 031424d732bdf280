//! Walks an event's bytes once and sets the bits of the fields it satisfies.

use crate::predicate::Leaf;
use crate::program::{Alternative, Children, Found, Node, Program};
use crate::scan::{Cursor, Malformed, Text};
use crate::unescape::unescape;

/// Working memory for matching. Keep one per thread and pass it to every call: after the first
/// few records, matching allocates nothing.
#[derive(Debug, Default)]
pub struct Scratch {
    /// Masks of satisfied fields; one per array element being walked, outermost first.
    satisfied: Vec<u64>,
    /// Masks of fields at which a leaf stood, likewise.
    present: Vec<u64>,
    /// Where the innermost mask begins.
    frame: usize,
    name: Vec<u8>,
    value: Vec<u8>,
}

impl Scratch {
    /// Forgets the last event and makes room for masks of `words` words.
    pub(crate) fn reset(&mut self, words: usize) {
        self.frame = 0;
        if self.satisfied.len() < words {
            self.satisfied.resize(words, 0);
            self.present.resize(words, 0);
        }
        self.satisfied[..words].fill(0);
        self.present[..words].fill(0);
    }

    /// Returns the mask's word of fields that are satisfied, be it by absence.
    #[inline]
    fn fulfilled(&self, program: &Program, word: u32) -> u64 {
        let at = self.frame + word as usize;
        self.satisfied[at] | program.absentable[word as usize] & !self.present[at]
    }

    /// Returns whether every field of an alternative is satisfied, not counting the `ignored`.
    #[inline]
    pub(crate) fn is_met(
        &self,
        program: &Program,
        alternative: &Alternative,
        ignored: &[&[(u32, u64)]],
    ) -> bool {
        alternative.need.iter().all(|&(word, mask)| {
            let skip = ignored.iter().flat_map(|fields| fields.iter());
            let skip = skip
                .filter(|(other, _)| *other == word)
                .fold(0, |all, (_, mask)| all | mask);
            (self.fulfilled(program, word) | skip) & mask == mask
        })
    }

    /// Returns whether a field is satisfied.
    pub(crate) fn is_field_met(&self, program: &Program, bit: usize) -> bool {
        self.fulfilled(program, (bit / 64) as u32) >> (bit % 64) & 1 == 1
    }

    fn push_frame(&mut self, words: usize) {
        self.frame += words;
        let end = self.frame + words;
        if self.satisfied.len() < end {
            self.satisfied.resize(end, 0);
            self.present.resize(end, 0);
        }
        self.satisfied[self.frame..end].fill(0);
        self.present[self.frame..end].fill(0);
    }

    /// Ends an array element: what it satisfies as a whole counts for the array.
    fn pop_frame(&mut self, program: &Program, node: &Node) {
        let words = program.words;
        let outer = self.frame - words;
        for group in &node.groups {
            let touched = group
                .iter()
                .any(|&(word, mask)| self.satisfied[self.frame + word as usize] & mask != 0);
            // Without a value there is nothing to be absent beside.
            let met = touched
                && group
                    .iter()
                    .all(|&(word, mask)| self.fulfilled(program, word) & mask == mask);
            if met {
                for &(word, mask) in group {
                    self.satisfied[outer + word as usize] |= mask;
                }
            }
        }
        for &(word, mask) in &node.free {
            let word = word as usize;
            self.satisfied[outer + word] |= self.satisfied[self.frame + word] & mask;
        }
        for &(word, mask) in &node.below {
            let word = word as usize;
            self.present[outer + word] |= self.present[self.frame + word] & mask;
        }
        self.frame = outer;
    }
}

/// A walk through one JSON text.
pub(crate) struct Walk<'a, 's> {
    cursor: Cursor<'a>,
    program: &'s Program,
    scratch: &'s mut Scratch,
    /// A node not to enter.
    except: Option<u32>,
}

type Step<T = ()> = Result<T, Malformed>;

impl<'a, 's> Walk<'a, 's> {
    pub(crate) fn new(bytes: &'a [u8], program: &'s Program, scratch: &'s mut Scratch) -> Self {
        Self {
            cursor: Cursor::new(bytes),
            program,
            scratch,
            except: None,
        }
    }

    pub(crate) fn except(mut self, node: Option<u32>) -> Self {
        self.except = node;
        self
    }

    /// Walks a text that must be one JSON object.
    pub(crate) fn object_at(mut self, node: u32) -> Step {
        if self.cursor.token() != b'{' {
            return Err(Malformed);
        }
        self.value(node)?;
        self.cursor.end()
    }

    /// Walks a text that must be one JSON object or array.
    pub(crate) fn container_at(mut self, node: u32) -> Step {
        if !matches!(self.cursor.token(), b'{' | b'[') {
            return Err(Malformed);
        }
        self.value(node)?;
        self.cursor.end()
    }

    fn node(&self, node: u32) -> &'s Node {
        &self.program.nodes[node as usize]
    }

    fn value(&mut self, node: u32) -> Step {
        match self.cursor.peek() {
            b'{' if !self.node(node).children.is_empty() => self.object(node),
            b'[' => self.array(node),
            b'{' => self.cursor.skip_container(),
            _ => self.leaf(node),
        }
    }

    fn object(&mut self, node: u32) -> Step {
        self.cursor.enter()?;
        if self.cursor.token() != b'}' {
            let program = self.program;
            let children = &program.nodes[node as usize].children;
            loop {
                let name = self.cursor.key()?;
                match self.child(children, name) {
                    Some(child) if self.except != Some(child) => self.value(child)?,
                    _ => self.cursor.skip_value()?,
                }
                match self.cursor.token() {
                    b',' => self.cursor.advance(),
                    b'}' => break,
                    _ => return Err(Malformed),
                }
            }
        }
        self.cursor.leave();
        Ok(())
    }

    #[inline(always)]
    fn child(&mut self, children: &'s Children, name: Text<'_>) -> Option<u32> {
        if name.escaped {
            return self.child_escaped(children, name.raw);
        }
        match children.look_up(name.raw) {
            Found::Nothing => None,
            Found::Child(child) => Some(child),
            Found::Dotted => self.child_dotted(children, name.raw),
        }
    }

    #[cold]
    fn child_escaped(&mut self, children: &'s Children, raw: &[u8]) -> Option<u32> {
        let mut buffer = std::mem::take(&mut self.scratch.name);
        buffer.clear();
        unescape(raw, &mut buffer);
        let child = self.child(
            children,
            Text {
                raw: &buffer,
                escaped: false,
            },
        );
        self.scratch.name = buffer;
        child
    }

    /// Finds the node of a name in which dots stand for nesting.
    #[cold]
    fn child_dotted(&self, mut children: &'s Children, mut name: &[u8]) -> Option<u32> {
        while let Some(dot) = memchr::memchr(b'.', name) {
            let child = children.find(&name[..dot])?;
            if Some(child) == self.except {
                return Some(child);
            }
            children = &self.node(child).children;
            name = &name[dot + 1..];
        }
        children.find(name)
    }

    fn array(&mut self, node: u32) -> Step {
        self.cursor.enter()?;
        if self.cursor.token() != b']' {
            let this = self.node(node);
            loop {
                match self.cursor.token() {
                    b'{' if this.children.is_empty() => self.cursor.skip_container()?,
                    b'{' if this.groups.is_empty() => self.object(node)?,
                    b'{' => {
                        self.scratch.push_frame(self.program.words);
                        self.object(node)?;
                        self.scratch.pop_frame(self.program, this);
                    }
                    b'[' => self.array(node)?,
                    _ => self.leaf(node)?,
                }
                match self.cursor.token() {
                    b',' => self.cursor.advance(),
                    b']' => break,
                    _ => return Err(Malformed),
                }
            }
        }
        self.cursor.leave();
        Ok(())
    }

    fn leaf(&mut self, node: u32) -> Step {
        let node = self.node(node);
        if node.leaves.is_empty() {
            return self.cursor.skip_value();
        }
        if self.cursor.peek() != b'"' {
            let text = self.cursor.bare()?;
            self.scratch.test(node, &Leaf::bare(text, node.compares));
            return Ok(());
        }
        let text = self.cursor.string()?;
        if !text.escaped {
            self.scratch.test(node, &Leaf::String(text.raw));
            return Ok(());
        }
        let mut buffer = std::mem::take(&mut self.scratch.value);
        buffer.clear();
        unescape(text.raw, &mut buffer);
        self.scratch.test(node, &Leaf::String(&buffer));
        self.scratch.value = buffer;
        Ok(())
    }
}

impl Scratch {
    /// Sets the bits that one value at `node` earns.
    #[inline]
    pub(crate) fn test(&mut self, node: &Node, leaf: &Leaf<'_>) {
        for test in &node.leaves {
            let accepted = test.predicate.accepts(leaf);
            for &(word, mask) in &test.marks {
                let at = self.frame + word as usize;
                self.present[at] |= mask;
                if accepted {
                    self.satisfied[at] |= mask;
                }
            }
        }
    }
}
