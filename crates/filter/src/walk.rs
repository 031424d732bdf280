//! Walks an event's bytes once and sets the bits of the fields it satisfies.

use crate::predicate::Leaf;
use crate::program::{Children, Found, Node, Program};
use crate::scan::{Cursor, Malformed, Text};
use crate::scratch::Scratch;
use crate::unescape::unescape;

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
            Found::Dotted => self.program.below(children, name.raw, self.except),
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

    fn array(&mut self, node: u32) -> Step {
        self.cursor.enter()?;
        if self.cursor.token() != b']' {
            let this = self.node(node);
            loop {
                match self.cursor.token() {
                    b'{' if this.children.is_empty() => self.cursor.skip_container()?,
                    b'{' if !this.together => self.object(node)?,
                    b'{' => {
                        let outer = self.scratch.begin_element(self.program, this);
                        self.object(node)?;
                        self.scratch.end_element(self.program, node, outer);
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
        if node.own.is_empty() {
            return self.cursor.skip_value();
        }
        if self.cursor.peek() != b'"' {
            let text = self.cursor.bare()?;
            self.scratch
                .test(self.program, node, &Leaf::bare(text, node.compares));
            return Ok(());
        }
        let text = self.cursor.string()?;
        if !text.escaped {
            self.scratch
                .test(self.program, node, &Leaf::String(text.raw));
            return Ok(());
        }
        let mut buffer = std::mem::take(&mut self.scratch.value);
        buffer.clear();
        unescape(text.raw, &mut buffer);
        self.scratch
            .test(self.program, node, &Leaf::String(&buffer));
        self.scratch.value = buffer;
        Ok(())
    }
}
