//! Reads JSON text byte by byte, without building a tree.
//!
//! Everything passed over is checked against the grammar of RFC 8259, except that the caller
//! checks UTF-8. Nesting is bounded by [`MAX_DEPTH`], and skipping does not recurse.

/// Deepest nesting of objects and arrays that counts as well-formed.
pub(crate) const MAX_DEPTH: usize = 512;

const LOW: u64 = 0x0101_0101_0101_0101;
const HIGH: u64 = 0x8080_8080_8080_8080;

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
    pos: usize,
    depth: usize,
}

impl<'a> Cursor<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self {
            bytes,
            pos: 0,
            depth: 0,
        }
    }

    pub(crate) fn pos(&self) -> usize {
        self.pos
    }

    /// Returns the next byte, or 0 (which starts no token) at the end.
    #[inline]
    pub(crate) fn peek(&self) -> u8 {
        self.bytes.get(self.pos).copied().unwrap_or(0)
    }

    /// Skips white space and returns the next byte, or 0 at the end.
    #[inline]
    pub(crate) fn token(&mut self) -> u8 {
        loop {
            let byte = self.peek();
            if byte > b' ' || !matches!(byte, b' ' | b'\n' | b'\r' | b'\t') {
                return byte;
            }
            self.pos += 1;
        }
    }

    pub(crate) fn at_end(&self) -> bool {
        self.pos >= self.bytes.len()
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
    #[inline]
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
    #[inline]
    pub(crate) fn string(&mut self) -> Scan<Text<'a>> {
        let start = self.pos + 1;
        self.pos = start;
        let mut escaped = false;
        loop {
            self.pos += plain_run(self.bytes.get(self.pos..).unwrap_or_default());
            match self.peek() {
                b'"' => break,
                b'\\' => {
                    escaped = true;
                    self.escape()?;
                }
                _ => return Err(Malformed),
            }
        }
        let raw = &self.bytes[start..self.pos];
        self.pos += 1;
        Ok(Text { raw, escaped })
    }

    fn escape(&mut self) -> Scan {
        self.pos += 1;
        let kind = self.peek();
        self.pos += 1;
        match kind {
            b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => Ok(()),
            b'u' => {
                let digits = self.bytes.get(self.pos..self.pos + 4).ok_or(Malformed)?;
                self.pos += 4;
                if digits.iter().all(u8::is_ascii_hexdigit) {
                    Ok(())
                } else {
                    Err(Malformed)
                }
            }
            _ => Err(Malformed),
        }
    }

    /// Reads a number, `true`, `false` or `null` and returns its text.
    #[inline]
    pub(crate) fn bare(&mut self) -> Scan<&'a [u8]> {
        let start = self.pos;
        match self.peek() {
            b'-' | b'0'..=b'9' => self.number()?,
            b't' => self.word(b"true")?,
            b'f' => self.word(b"false")?,
            b'n' => self.word(b"null")?,
            _ => return Err(Malformed),
        }
        Ok(&self.bytes[start..self.pos])
    }

    fn word(&mut self, word: &[u8]) -> Scan {
        if self.bytes[self.pos..].starts_with(word) {
            self.pos += word.len();
            Ok(())
        } else {
            Err(Malformed)
        }
    }

    fn number(&mut self) -> Scan {
        if self.peek() == b'-' {
            self.pos += 1;
        }
        if self.peek() == b'0' {
            self.pos += 1;
        } else {
            self.digits()?;
        }
        if self.peek() == b'.' {
            self.pos += 1;
            self.digits()?;
        }
        if matches!(self.peek(), b'e' | b'E') {
            self.pos += 1;
            if matches!(self.peek(), b'+' | b'-') {
                self.pos += 1;
            }
            self.digits()?;
        }
        Ok(())
    }

    #[inline]
    fn digits(&mut self) -> Scan {
        if !self.peek().is_ascii_digit() {
            return Err(Malformed);
        }
        while self.peek().is_ascii_digit() {
            self.pos += 1;
        }
        Ok(())
    }

    /// Passes over one value of any kind; the cursor stands on its first byte.
    #[inline]
    pub(crate) fn skip_value(&mut self) -> Scan {
        match self.peek() {
            b'"' => self.string().map(drop),
            b'{' | b'[' => self.skip_container(),
            _ => self.bare().map(drop),
        }
    }

    fn skip_container(&mut self) -> Scan {
        let outside = self.depth;
        let mut open = Open::default();
        loop {
            let opened = match self.peek() {
                b'{' => Some(true),
                b'[' => Some(false),
                b'"' => {
                    self.string()?;
                    None
                }
                _ => {
                    self.bare()?;
                    None
                }
            };
            if let Some(object) = opened {
                self.enter()?;
                open.push(self.depth, object);
                let next = self.token();
                if next != open.closing() {
                    if object {
                        self.key()?;
                    }
                    continue;
                }
            }
            if !self.close(&mut open, outside)? {
                return Ok(());
            }
        }
    }

    /// After a value: closes what ends here. Returns whether another value follows.
    #[inline]
    fn close(&mut self, open: &mut Open, outside: usize) -> Scan<bool> {
        loop {
            let next = self.token();
            if next == b',' {
                self.advance();
                if open.object {
                    self.key()?;
                } else {
                    self.token();
                }
                return Ok(true);
            }
            if next != open.closing() {
                return Err(Malformed);
            }
            self.leave();
            if self.depth == outside {
                return Ok(false);
            }
            open.pop(self.depth);
        }
    }
}

/// The kinds of the brackets open while skipping: one bit per level.
#[derive(Default)]
struct Open {
    objects: [u64; MAX_DEPTH / 64 + 1],
    /// The innermost one is an object.
    object: bool,
}

impl Open {
    #[inline]
    fn push(&mut self, depth: usize, object: bool) {
        let bit = 1 << (depth % 64);
        let word = &mut self.objects[depth / 64];
        *word = if object { *word | bit } else { *word & !bit };
        self.object = object;
    }

    #[inline]
    fn pop(&mut self, depth: usize) {
        self.object = self.objects[depth / 64] >> (depth % 64) & 1 == 1;
    }

    #[inline]
    fn closing(&self) -> u8 {
        if self.object { b'}' } else { b']' }
    }
}

/// Returns how many bytes come before the first quote, backslash or control byte.
#[inline]
fn plain_run(bytes: &[u8]) -> usize {
    let (words, rest) = bytes.as_chunks::<8>();
    for (index, word) in words.iter().enumerate() {
        let word = u64::from_le_bytes(*word);
        let quote = word ^ (LOW * b'"' as u64);
        let slash = word ^ (LOW * b'\\' as u64);
        // A borrow can only reach bytes after the first hit, so the lowest set bit is exact.
        let hit = (quote.wrapping_sub(LOW) & !quote
            | slash.wrapping_sub(LOW) & !slash
            | word.wrapping_sub(LOW * 0x20) & !word)
            & HIGH;
        if hit != 0 {
            return index * 8 + hit.trailing_zeros() as usize / 8;
        }
    }
    let done = words.len() * 8;
    let tail = rest
        .iter()
        .position(|&byte| matches!(byte, b'"' | b'\\' | 0..0x20));
    done + tail.unwrap_or(rest.len())
}

/// Appends a string's characters to `out`, resolving escapes.
///
/// An unpaired surrogate becomes the three bytes UTF-8 would give it, so that it equals itself
/// and no real character.
pub(crate) fn unescape(raw: &[u8], out: &mut Vec<u8>) {
    let mut rest = raw;
    while let Some(at) = memchr::memchr(b'\\', rest) {
        out.extend_from_slice(&rest[..at]);
        let kind = rest.get(at + 1).copied().unwrap_or(b'\\');
        let mut used = 2;
        match kind {
            b'b' => out.push(8),
            b'f' => out.push(12),
            b'n' => out.push(b'\n'),
            b'r' => out.push(b'\r'),
            b't' => out.push(b'\t'),
            b'u' => {
                let (code, length) = code_point(&rest[at..]);
                push_code_point(code, out);
                used = length;
            }
            other => out.push(other),
        }
        rest = rest.get(at + used..).unwrap_or_default();
    }
    out.extend_from_slice(rest);
}

/// Reads `\uXXXX`, or two of them that form a surrogate pair; returns the code and bytes used.
fn code_point(escape: &[u8]) -> (u32, usize) {
    let high = hex(escape);
    if (0xd800..0xdc00).contains(&high) && escape.get(6..8) == Some(b"\\u") {
        let low = hex(&escape[6..]);
        if (0xdc00..0xe000).contains(&low) {
            return (0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00), 12);
        }
    }
    (high, 6)
}

fn hex(escape: &[u8]) -> u32 {
    let digits = escape.get(2..6).unwrap_or_default();
    digits.iter().fold(0, |code, &digit| {
        code << 4 | (digit as char).to_digit(16).unwrap_or(0)
    })
}

fn push_code_point(code: u32, out: &mut Vec<u8>) {
    match char::from_u32(code) {
        Some(character) => {
            out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
        }
        None => out.extend_from_slice(&[
            0xe0 | (code >> 12) as u8,
            0x80 | (code >> 6 & 0x3f) as u8,
            0x80 | (code & 0x3f) as u8,
        ]),
    }
}
