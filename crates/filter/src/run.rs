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

/// Finds the end of a string whose first byte after the opening quote is at `start`.
#[inline(always)]
pub(crate) fn string(bytes: &[u8], start: usize) -> Result<StringEnd, Failed> {
    let mut at = start;
    while let Some(chunk) = chunk(bytes, at) {
        let stops = wide::stops(chunk);
        if stops != 0 {
            let end = at + stops.trailing_zeros() as usize;
            if bytes[end] == b'"' {
                return Ok(StringEnd {
                    end,
                    escaped: false,
                    high: false,
                });
            }
            at = end;
            break;
        }
        at += wide::WIDTH;
    }
    unusual_string(bytes, at)
}

/// Goes on with a string that has an escape or a byte that is not ASCII, or stands at the end.
#[cold]
#[inline(never)]
fn unusual_string(bytes: &[u8], mut at: usize) -> Result<StringEnd, Failed> {
    let (mut escaped, mut high) = (false, false);
    loop {
        at += wide::plain(bytes.get(at..).unwrap_or_default());
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

/// Finds the end of a number, `true`, `false` or `null`.
#[inline(always)]
pub(crate) fn bare(bytes: &[u8], at: usize) -> Result<usize, Failed> {
    match peek(bytes, at) {
        b'-' | b'0'..=b'9' => number(bytes, at),
        b't' => word(bytes, at, b"true"),
        b'f' => word(bytes, at, b"false"),
        b'n' => word(bytes, at, b"null"),
        _ => Err(Failed { at }),
    }
}

#[inline(always)]
fn word(bytes: &[u8], at: usize, word: &[u8]) -> Result<usize, Failed> {
    let end = at + word.len();
    if bytes.get(at..end) == Some(word) {
        Ok(end)
    } else {
        Err(Failed { at })
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

    pub(super) const WIDTH: usize = 32;

    /// Returns a bit per byte that is a quote, a backslash, a control byte or not ASCII.
    #[inline(always)]
    pub(super) fn stops(chunk: &[u8; WIDTH]) -> u32 {
        let (halves, _) = chunk.as_chunks();
        // SAFETY: every x86-64 processor has SSE2.
        unsafe { stops_of_half(&halves[0]) | (stops_of_half(&halves[1]) << 16) }
    }

    #[inline]
    #[target_feature(enable = "sse2")]
    fn stops_of_half(half: &[u8; 16]) -> u32 {
        // SAFETY: the load reads the 16 bytes of `half` and needs no alignment.
        let bytes = unsafe { _mm_loadu_si128(half.as_ptr().cast::<__m128i>()) };
        let equal = |to: u8| _mm_cmpeq_epi8(bytes, _mm_set1_epi8(to as i8));
        // As signed numbers, bytes that are not ASCII are below the space too.
        let unprintable = _mm_cmplt_epi8(bytes, _mm_set1_epi8(b' ' as i8));
        let any = _mm_or_si128(_mm_or_si128(equal(b'"'), equal(b'\\')), unprintable);
        u32::from(_mm_movemask_epi8(any) as u16)
    }

    pub(super) use super::narrow::plain;
}

#[cfg(not(target_arch = "x86_64"))]
mod wide {
    pub(super) use super::narrow::{WIDTH, plain, stops};
}

mod narrow {
    use super::{HIGH, LOW, chunk};

    pub(super) const WIDTH: usize = 8;

    /// Returns a word whose lowest bit tells the first byte that is a quote, a backslash, a
    /// control byte or not ASCII.
    #[inline(always)]
    pub(super) fn stops(chunk: &[u8; WIDTH]) -> u32 {
        let word = u64::from_le_bytes(*chunk);
        let quote = word ^ (LOW * b'"' as u64);
        let slash = word ^ (LOW * b'\\' as u64);
        // A borrow only reaches bytes after the first hit, so the lowest bit is exact.
        let hits = (quote.wrapping_sub(LOW) & !quote)
            | (slash.wrapping_sub(LOW) & !slash)
            | (word.wrapping_sub(LOW * 0x20) & !word)
            | word;
        match hits & HIGH {
            0 => 0,
            hits => 1 << (hits.trailing_zeros() / 8),
        }
    }

    /// Returns how many bytes come before the first such byte.
    pub(super) fn plain(bytes: &[u8]) -> usize {
        let mut at = 0;
        while let Some(chunk) = chunk(bytes, at) {
            match stops(chunk) {
                0 => at += WIDTH,
                stops => return at + stops.trailing_zeros() as usize,
            }
        }
        let plain = |byte: &&u8| matches!(**byte, b' '..0x80) && !matches!(**byte, b'"' | b'\\');
        at + bytes[at..].iter().take_while(plain).count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_string_ends_at_its_quote_only() {
        for length in 0..100 {
            for byte in 0..=u8::MAX {
                let mut text = vec![b'x'; 100];
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
                    _ => assert_eq!(found, end(100, byte >= 0x80), "{byte:#x}"),
                }
                text.truncate(length);
                assert_eq!(string(&text, 0), Err(Failed { at: length }));
            }
        }
    }

    #[test]
    fn narrow_and_wide_agree_on_the_first_stop() {
        for place in 0..narrow::WIDTH {
            for byte in 0..=u8::MAX {
                let mut chunk = [b'"'; wide::WIDTH];
                chunk[..place].fill(b'x');
                chunk[place] = byte;
                let narrow = narrow::stops(chunk.first_chunk().unwrap());
                let wide = wide::stops(&chunk) & 0xff;
                assert_eq!(narrow == 0, wide == 0);
                assert_eq!(narrow.trailing_zeros(), wide.trailing_zeros(), "{byte:#x}");
                assert_eq!(
                    narrow::plain(&chunk),
                    wide::stops(&chunk).trailing_zeros() as usize
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
