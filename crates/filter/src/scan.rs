//! Reads JSON text byte by byte, without building a tree.
//!
//! Everything passed over, skipped or not, is checked against the grammar of RFC 8259. Nesting is
//! bounded by [`MAX_DEPTH`], and skipping does not recurse.

use crate::run::{self, Block, Failed};

/// Deepest nesting of objects and arrays that counts as well-formed.
pub(crate) const MAX_DEPTH: usize = 512;

/// The text is not JSON; [`Cursor::pos`] tells where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Malformed;

type Scan<T = ()> = Result<T, Malformed>;

/// A string's bytes between its quotes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Text<'a> {
    pub(crate) raw: &'a [u8],
    /// Whether `raw` has backslash escapes.
    pub(crate) escaped: bool,
}

/// A place in a JSON text.
pub(crate) struct Cursor<'a> {
    bytes: &'a [u8],
    block: Block,
    pos: usize,
    depth: usize,
    /// Bytes that are not ASCII were passed, so that the text may not be UTF-8.
    high: bool,
}

impl<'a> Cursor<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self {
            bytes,
            block: Block::new(bytes),
            pos: 0,
            depth: 0,
            high: false,
        }
    }

    pub(crate) fn pos(&self) -> usize {
        self.pos
    }

    /// Returns the next byte, or 0 (which starts no token) at the end.
    #[inline]
    pub(crate) fn peek(&self) -> u8 {
        run::peek(self.bytes, self.pos)
    }

    /// Skips white space and returns the next byte, or 0 at the end.
    #[inline(always)]
    pub(crate) fn token(&mut self) -> u8 {
        self.pos = run::blanks(self.bytes, self.pos);
        self.peek()
    }

    /// Ends reading: only white space may be left.
    pub(crate) fn end(mut self) -> Scan {
        self.token();
        let unicode = !self.high || std::str::from_utf8(self.bytes).is_ok();
        if unicode && self.pos >= self.bytes.len() {
            Ok(())
        } else {
            Err(Malformed)
        }
    }

    #[inline]
    pub(crate) fn advance(&mut self) {
        self.pos += 1;
    }

    /// Passes the opening bracket of an object or array.
    #[inline]
    pub(crate) fn enter(&mut self) -> Scan {
        if self.depth == MAX_DEPTH {
            return Err(Malformed);
        }
        self.depth += 1;
        self.pos += 1;
        Ok(())
    }

    /// Passes the closing bracket of an object or array.
    #[inline]
    pub(crate) fn leave(&mut self) {
        self.depth -= 1;
        self.pos += 1;
    }

    /// Reads a member's name and its colon, up to the first byte of the value.
    #[inline(always)]
    pub(crate) fn key(&mut self) -> Scan<Text<'a>> {
        if self.token() != b'"' {
            return Err(Malformed);
        }
        let text = self.string()?;
        if self.token() != b':' {
            return Err(Malformed);
        }
        self.advance();
        self.token();
        Ok(text)
    }

    /// Reads a string; the cursor stands on the opening quote.
    #[inline(always)]
    pub(crate) fn string(&mut self) -> Scan<Text<'a>> {
        let start = self.pos + 1;
        let string = self
            .block
            .string(self.bytes, start)
            .map_err(|failed| self.fail(failed))?;
        self.high |= string.high;
        self.pos = string.end + 1;
        Ok(Text {
            raw: &self.bytes[start..string.end],
            escaped: string.escaped,
        })
    }

    /// Reads a number, `true`, `false` or `null` and returns its text.
    #[inline(always)]
    pub(crate) fn bare(&mut self) -> Scan<&'a [u8]> {
        let start = self.pos;
        self.pos = self
            .block
            .bare(self.bytes, start)
            .map_err(|failed| self.fail(failed))?;
        Ok(&self.bytes[start..self.pos])
    }

    #[cold]
    fn fail(&mut self, failed: Failed) -> Malformed {
        self.pos = failed.at.min(self.bytes.len());
        Malformed
    }

    /// Passes over one value of any kind; the cursor stands on its first byte.
    #[inline(always)]
    pub(crate) fn skip_value(&mut self) -> Scan {
        match self.peek() {
            b'"' => self.string().map(drop),
            b'{' | b'[' => self.skip_container(),
            _ => self.bare().map(drop),
        }
    }

    /// Passes over an object or array.
    pub(crate) fn skip_container(&mut self) -> Scan {
        let mut skip = Skip {
            bytes: self.bytes,
            block: self.block,
            pos: self.pos,
            depth: self.depth,
            high: false,
            objects: [0; MAX_DEPTH / 64 + 1],
        };
        skip.container().map_err(|failed| self.fail(failed))?;
        self.block = skip.block;
        self.pos = skip.pos;
        self.high |= skip.high;
        Ok(())
    }
}

/// Passes over a whole object or array.
///
/// Apart from [`Cursor`], so that the compiler can keep it in registers.
struct Skip<'a> {
    bytes: &'a [u8],
    block: Block,
    pos: usize,
    depth: usize,
    high: bool,
    /// The kinds of the open brackets: one bit per level, set for objects.
    objects: [u64; MAX_DEPTH / 64 + 1],
}

type Pass<T = ()> = Result<T, Failed>;

impl Skip<'_> {
    #[inline(always)]
    fn container(&mut self) -> Pass {
        let outside = self.depth;
        let mut in_object = false;
        loop {
            match run::peek(self.bytes, self.pos) {
                b'"' => self.string()?,
                opening @ (b'{' | b'[') => {
                    in_object = opening == b'{';
                    self.open(in_object)?;
                    if self.token() != closing(in_object) {
                        if in_object {
                            self.key()?;
                        }
                        continue;
                    }
                }
                _ => self.pos = self.block.bare(self.bytes, self.pos)?,
            }
            // Closes what ends with this value.
            while self.token() != b',' {
                if run::peek(self.bytes, self.pos) != closing(in_object) {
                    return Err(Failed { at: self.pos });
                }
                self.pos += 1;
                self.depth -= 1;
                if self.depth == outside {
                    return Ok(());
                }
                in_object = (self.objects[self.depth / 64] >> (self.depth % 64)) & 1 == 1;
            }
            self.pos += 1;
            self.token();
            if in_object {
                self.key()?;
            }
        }
    }

    #[inline(always)]
    fn token(&mut self) -> u8 {
        self.pos = run::blanks(self.bytes, self.pos);
        run::peek(self.bytes, self.pos)
    }

    #[inline(always)]
    fn open(&mut self, object: bool) -> Pass {
        if self.depth == MAX_DEPTH {
            return Err(Failed { at: self.pos });
        }
        self.pos += 1;
        self.depth += 1;
        let word = &mut self.objects[self.depth / 64];
        let bit = 1 << (self.depth % 64);
        *word = if object { *word | bit } else { *word & !bit };
        Ok(())
    }

    /// Passes a string; the opening quote is the next byte.
    #[inline(always)]
    fn string(&mut self) -> Pass {
        let string = self.block.string(self.bytes, self.pos + 1)?;
        self.high |= string.high;
        self.pos = string.end + 1;
        Ok(())
    }

    /// Passes a name and its colon, up to the first byte of the value.
    #[inline(always)]
    fn key(&mut self) -> Pass {
        if run::peek(self.bytes, self.pos) != b'"' {
            return Err(Failed { at: self.pos });
        }
        self.string()?;
        if self.token() != b':' {
            return Err(Failed { at: self.pos });
        }
        self.pos += 1;
        self.token();
        Ok(())
    }
}

#[inline(always)]
fn closing(object: bool) -> u8 {
    if object { b'}' } else { b']' }
}
