//! Finds the ends of JSON's tokens, many bytes at a time.

/// A token breaks the grammar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Failed {
    /// Where the offending byte stands.
    pub(crate) at: usize,
}

/// Where a string ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct StringEnd {
    /// The closing quote.
    pub(crate) end: usize,
    /// There are backslash escapes.
    pub(crate) escaped: bool,
    /// There are bytes that are not ASCII.
    pub(crate) high: bool,
}

const LOW: u64 = u64::MAX / 255;
const HIGH: u64 = LOW << 7;

/// Returns a byte, or 0 beyond the end.
#[inline(always)]
pub(crate) fn peek(bytes: &[u8], at: usize) -> u8 {
    if at < bytes.len() { bytes[at] } else { 0 }
}

/// Returns where the white space that may begin at `at` ends.
#[inline(always)]
pub(crate) fn blanks(bytes: &[u8], mut at: usize) -> usize {
    while at < bytes.len() && bytes[at] <= b' ' && matches!(bytes[at], b' ' | b'\n' | b'\r' | b'\t')
    {
        at += 1;
    }
    at
}

/// The block of 64 bytes that a scan stands in, sorted.
///
/// Blocks are sorted in order and without regard to where tokens end, so that the processor can
/// sort the next one while it still looks for ends in this one.
#[derive(Clone, Copy)]
pub(crate) struct Block {
    start: usize,
    masks: Masks,
}

/// Bytes of a block by kind, the first byte in the lowest bit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Masks {
    /// Quotes, backslashes, control bytes and bytes that are not ASCII.
    stops: u64,
    /// What may follow a number or word: commas, closing brackets, the space and everything
    /// below it, and bytes that are not ASCII.
    ends: u64,
}

const BLOCK: usize = 64;

impl Block {
    #[inline]
    pub(crate) fn new(bytes: &[u8]) -> Self {
        Self {
            start: 0,
            masks: sort(bytes, 0),
        }
    }

    /// Goes on to the block of `at`.
    #[inline(always)]
    fn seek(&mut self, bytes: &[u8], at: usize) {
        while at - self.start >= BLOCK {
            self.start += BLOCK;
            self.masks = sort(bytes, self.start);
        }
    }

    /// Finds the end of a string whose first byte after the opening quote is at `start`, not
    /// before the block.
    #[inline(always)]
    pub(crate) fn string(&mut self, bytes: &[u8], start: usize) -> Result<StringEnd, Failed> {
        let end = self.find(bytes, start, |masks| masks.stops);
        if peek(bytes, end) == b'"' {
            return Ok(StringEnd {
                end,
                escaped: false,
                high: false,
            });
        }
        unusual_string(bytes, end)
    }

    /// Finds the end of a number, `true`, `false` or `null`.
    #[inline(always)]
    pub(crate) fn bare(&mut self, bytes: &[u8], start: usize) -> Result<usize, Failed> {
        let end = self.find(bytes, start, |masks| masks.ends);
        if is_bare(bytes, start, end) {
            Ok(end)
        } else {
            Err(Failed { at: start })
        }
    }

    /// Returns where the first byte of a mask stands, or a place beyond the end.
    #[inline(always)]
    fn find(&mut self, bytes: &[u8], start: usize, mask: impl Fn(Masks) -> u64) -> usize {
        self.seek(bytes, start);
        let mut at = start;
        loop {
            let found = mask(self.masks) >> (at - self.start);
            if found != 0 {
                return at + found.trailing_zeros() as usize;
            }
            at = self.start + BLOCK;
            self.seek(bytes, at);
        }
    }
}

/// Sorts the block that begins at `start`. What is missing of it at the end counts as zeros.
#[inline(never)]
fn sort(bytes: &[u8], start: usize) -> Masks {
    match chunk(bytes, start) {
        Some(block) => wide::sort(block),
        None => {
            let rest = bytes.get(start..).unwrap_or_default();
            let mut block = [0; BLOCK];
            block[..rest.len()].copy_from_slice(rest);
            wide::sort(&block)
        }
    }
}

/// Goes on with a string that has an escape or a byte that is not ASCII, or stands at the end.
#[cold]
#[inline(never)]
fn unusual_string(bytes: &[u8], mut at: usize) -> Result<StringEnd, Failed> {
    let (mut escaped, mut high) = (false, false);
    loop {
        let rest = bytes.get(at..).unwrap_or_default();
        at += rest.iter().take_while(|byte| !is_stop(**byte)).count();
        match peek(bytes, at) {
            b'"' => {
                return Ok(StringEnd {
                    end: at,
                    escaped,
                    high,
                });
            }
            b'\\' => {
                escaped = true;
                at = escape(bytes, at)?;
            }
            0x80.. => {
                high = true;
                at += 1;
            }
            _ => return Err(Failed { at }),
        }
    }
}

/// Returns where an escape ends whose backslash is at `at`.
fn escape(bytes: &[u8], at: usize) -> Result<usize, Failed> {
    match peek(bytes, at + 1) {
        b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => Ok(at + 2),
        b'u' => match bytes.get(at + 2..at + 6) {
            Some(code) if code.iter().all(u8::is_ascii_hexdigit) => Ok(at + 6),
            _ => Err(Failed { at }),
        },
        _ => Err(Failed { at }),
    }
}

/// Returns whether the bytes are all of a number, `true`, `false` or `null`.
#[inline(always)]
fn is_bare(bytes: &[u8], start: usize, end: usize) -> bool {
    match peek(bytes, start) {
        b'-' | b'0'..=b'9' => number(bytes, start) == Ok(end),
        b't' => bytes.get(start..end) == Some(b"true"),
        b'f' => bytes.get(start..end) == Some(b"false"),
        b'n' => bytes.get(start..end) == Some(b"null"),
        _ => false,
    }
}

#[inline(always)]
fn number(bytes: &[u8], at: usize) -> Result<usize, Failed> {
    let start = at + usize::from(bytes[at] == b'-');
    let mut end = digits(bytes, start)?;
    if peek(bytes, start) == b'0' && end > start + 1 {
        return Err(Failed { at: start + 1 });
    }
    if peek(bytes, end) == b'.' {
        end = digits(bytes, end + 1)?;
    }
    if peek(bytes, end) | 0x20 == b'e' {
        let signed = matches!(peek(bytes, end + 1), b'+' | b'-');
        end = digits(bytes, end + 1 + usize::from(signed))?;
    }
    Ok(end)
}

/// Returns where at least one digit ends.
#[inline(always)]
fn digits(bytes: &[u8], start: usize) -> Result<usize, Failed> {
    let mut at = start;
    while let Some(word) = chunk(bytes, at) {
        // Digits become 0 to 9. A carry only reaches bytes after the first other one.
        let value = u64::from_le_bytes(*word) ^ (LOW * b'0' as u64);
        let others = (value.wrapping_add(LOW * 0x76) | value) & HIGH;
        if others != 0 {
            at += others.trailing_zeros() as usize / 8;
            return if at > start {
                Ok(at)
            } else {
                Err(Failed { at })
            };
        }
        at += 8;
    }
    while peek(bytes, at).is_ascii_digit() {
        at += 1;
    }
    if at > start {
        Ok(at)
    } else {
        Err(Failed { at })
    }
}

#[inline(always)]
fn chunk<const N: usize>(bytes: &[u8], at: usize) -> Option<&[u8; N]> {
    bytes.get(at..at + N)?.first_chunk()
}

#[cfg(target_arch = "x86_64")]
#[expect(
    unsafe_code,
    reason = "unaligned loads, and functions that need a target feature"
)]
mod wide {
    use std::arch::x86_64::{
        __m128i, _mm_cmpeq_epi8, _mm_cmplt_epi8, _mm_loadu_si128, _mm_movemask_epi8, _mm_or_si128,
        _mm_set1_epi8,
    };

    use super::{BLOCK, Masks};

    #[inline(always)]
    pub(super) fn sort(block: &[u8; BLOCK]) -> Masks {
        let (parts, _) = block.as_chunks();
        let mut masks = Masks::default();
        for (index, part) in parts.iter().enumerate() {
            // SAFETY: every x86-64 processor has SSE2.
            let (stops, ends) = unsafe { sort_part(part) };
            masks.stops |= u64::from(stops) << (index * 16);
            masks.ends |= u64::from(ends) << (index * 16);
        }
        masks
    }

    #[inline]
    #[target_feature(enable = "sse2")]
    fn sort_part(part: &[u8; 16]) -> (u16, u16) {
        // SAFETY: the load reads the 16 bytes of `part` and needs no alignment.
        let bytes = unsafe { _mm_loadu_si128(part.as_ptr().cast::<__m128i>()) };
        let all = |to: u8| _mm_set1_epi8(to as i8);
        let equal = |to: u8| _mm_cmpeq_epi8(bytes, all(to));
        let bits = |found: __m128i| _mm_movemask_epi8(found) as u16;
        // As signed numbers, bytes that are not ASCII are below the space too.
        let unprintable = _mm_cmplt_epi8(bytes, all(b' '));
        let stops = _mm_or_si128(_mm_or_si128(equal(b'"'), equal(b'\\')), unprintable);
        // One bit tells `]` from `}`.
        let closing = _mm_cmpeq_epi8(_mm_or_si128(bytes, all(0x20)), all(b'}'));
        let blank = _mm_cmplt_epi8(bytes, all(b' ' + 1));
        let ends = _mm_or_si128(_mm_or_si128(equal(b','), closing), blank);
        (bits(stops), bits(ends))
    }
}

#[cfg(not(target_arch = "x86_64"))]
use narrow as wide;

#[cfg(any(test, not(target_arch = "x86_64")))]
mod narrow {
    use super::{BLOCK, Masks, is_stop};

    pub(super) fn sort(block: &[u8; BLOCK]) -> Masks {
        let mut masks = Masks::default();
        for (index, byte) in block.iter().enumerate() {
            let ends = matches!(byte, b',' | b']' | b'}' | 0..=b' ' | 0x80..);
            masks.stops |= u64::from(is_stop(*byte)) << index;
            masks.ends |= u64::from(ends) << index;
        }
        masks
    }
}

/// Returns whether a byte of a string needs a closer look.
fn is_stop(byte: u8) -> bool {
    matches!(byte, b'"' | b'\\' | 0..b' ' | 0x80..)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn string(bytes: &[u8], start: usize) -> Result<StringEnd, Failed> {
        Block::new(bytes).string(bytes, start)
    }

    #[test]
    fn a_string_ends_at_its_quote_only() {
        for length in 0..200 {
            for byte in 0..=u8::MAX {
                let mut text = vec![b'x'; 200];
                text[length] = byte;
                text.push(b'"');
                let found = string(&text, 0);
                let end = |end, high| {
                    Ok(StringEnd {
                        end,
                        escaped: false,
                        high,
                    })
                };
                match byte {
                    b'"' => assert_eq!(found, end(length, false)),
                    b'\\' => assert!(found.is_err()),
                    0..0x20 => assert_eq!(found, Err(Failed { at: length }), "{byte:#x}"),
                    _ => assert_eq!(found, end(200, byte >= 0x80), "{byte:#x}"),
                }
                text.truncate(length);
                assert_eq!(string(&text, 0), Err(Failed { at: length }));
            }
        }
    }

    #[test]
    fn narrow_and_wide_sort_alike() {
        for byte in 0..=u8::MAX {
            for place in 0..BLOCK {
                let mut block = [b'x'; BLOCK];
                block[place] = byte;
                assert_eq!(
                    narrow::sort(&block),
                    wide::sort(&block),
                    "{byte:#x} at {place}"
                );
            }
        }
    }

    #[test]
    fn digits_end_at_the_first_other_byte() {
        for length in 1..40 {
            for byte in 0..=u8::MAX {
                let mut text = vec![b'7'; 40];
                text[length] = byte;
                assert_eq!(
                    digits(&text, 0),
                    Ok(if byte.is_ascii_digit() { 40 } else { length })
                );
                text.truncate(length);
                assert_eq!(digits(&text, 0), Ok(length));
            }
        }
        assert_eq!(digits(b"x1234567", 0), Err(Failed { at: 0 }));
        assert_eq!(digits(b"", 0), Err(Failed { at: 0 }));
    }
}
