//! Writes JSON text into a buffer, without a tree in between.

use crate::time::Timestamp;

/// For each byte: 0 if it may stand in a JSON string as it is, else the character after the backslash
/// (`u` for the six-character form).
const ESCAPE: [u8; 256] = escape_table();

const fn escape_table() -> [u8; 256] {
    let mut table = [0; 256];
    let mut control = 0;
    while control < 0x20 {
        table[control] = b'u';
        control += 1;
    }
    table[b'"' as usize] = b'"';
    table[b'\\' as usize] = b'\\';
    table[0x08] = b'b';
    table[0x09] = b't';
    table[0x0a] = b'n';
    table[0x0c] = b'f';
    table[0x0d] = b'r';
    table
}

/// Appends `text` as a JSON string, quotes included.
pub fn write_string(out: &mut Vec<u8>, text: &str) {
    out.reserve(text.len() + 2);
    out.push(b'"');
    write_escaped(out, text);
    out.push(b'"');
}

/// Appends `text` with JSON escapes, without quotes.
pub fn write_escaped(out: &mut Vec<u8>, text: &str) {
    let mut rest = text.as_bytes();
    while let Some(at) = next_special(rest) {
        let byte = rest[at];
        match rest.first_chunk::<8>() {
            // A copy of fixed size is one instruction; what was copied too much is cut off again.
            Some(eight) if at < 8 => {
                let end = out.len() + at;
                out.extend_from_slice(eight);
                out.truncate(end);
            }
            _ => out.extend_from_slice(&rest[..at]),
        }
        write_escape(out, byte, ESCAPE[usize::from(byte)]);
        rest = &rest[at + 1..];
    }
    out.extend_from_slice(rest);
}

/// Returns how many bytes [`write_escaped`] appends.
pub fn escaped_length(text: &str) -> usize {
    let mut rest = text.as_bytes();
    let mut length = rest.len();
    while let Some(at) = next_special(rest) {
        length += match ESCAPE[usize::from(rest[at])] {
            b'u' => 5,
            _ => 1,
        };
        rest = &rest[at + 1..];
    }
    length
}

/// Returns where the first byte is that needs an escape.
fn next_special(bytes: &[u8]) -> Option<usize> {
    let mut words = bytes.chunks_exact(8);
    for (index, word) in words.by_ref().enumerate() {
        let mut eight = [0; 8];
        eight.copy_from_slice(word);
        let found = specials(u64::from_le_bytes(eight));
        if found != 0 {
            return Some(index * 8 + found.trailing_zeros() as usize / 8);
        }
    }
    let tail = words.remainder();
    let at = tail
        .iter()
        .position(|&byte| ESCAPE[usize::from(byte)] != 0)?;
    Some(bytes.len() - tail.len() + at)
}

/// Marks the high bit of the first of eight bytes that needs an escape. Marks after the first one mean
/// nothing: a subtraction may have borrowed.
const fn specials(word: u64) -> u64 {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGHS: u64 = 0x8080_8080_8080_8080;
    let quote = word ^ (ONES * b'"' as u64);
    let backslash = word ^ (ONES * b'\\' as u64);
    let control = word.wrapping_sub(ONES * 0x20) & !word;
    let quote = quote.wrapping_sub(ONES) & !quote;
    let backslash = backslash.wrapping_sub(ONES) & !backslash;
    (control | quote | backslash) & HIGHS
}

fn write_escape(out: &mut Vec<u8>, byte: u8, escape: u8) {
    if escape == b'u' {
        const HEX: &[u8; 16] = b"0123456789abcdef";
        let (high, low) = (HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]);
        out.extend_from_slice(&[b'\\', b'u', b'0', b'0', high, low]);
    } else {
        out.extend_from_slice(&[b'\\', escape]);
    }
}

/// Appends bytes as a base64 JSON string (standard alphabet, padded).
pub fn write_base64(out: &mut Vec<u8>, bytes: &[u8]) {
    use base64::Engine as _;
    out.push(b'"');
    let start = out.len();
    out.resize(start + bytes.len().div_ceil(3) * 4, 0);
    let written = base64::engine::general_purpose::STANDARD
        .encode_slice(bytes, &mut out[start..])
        .unwrap_or_default();
    out.truncate(start + written);
    out.push(b'"');
}

/// Returns how many bytes stand between the quotes that [`write_base64`] writes for so many bytes.
pub const fn base64_length(bytes: usize) -> usize {
    bytes.div_ceil(3) * 4
}

/// For each byte: its number as Java counts and a comma, and how long that is.
static SIGNED: [([u8; 5], usize); 256] = signed_table();

const fn signed_table() -> [([u8; 5], usize); 256] {
    let mut table = [([0; 5], 0); 256];
    let mut byte = 0_u8;
    loop {
        let (text, length) = &mut table[byte as usize];
        let magnitude = byte.cast_signed().unsigned_abs();
        if byte >= 128 {
            text[0] = b'-';
            *length = 1;
        }
        let mut place = 100;
        while place > 0 {
            if magnitude >= place || place == 1 {
                text[*length] = b'0' + magnitude / place % 10;
                *length += 1;
            }
            place /= 10;
        }
        text[*length] = b',';
        *length += 1;
        if byte == u8::MAX {
            return table;
        }
        byte += 1;
    }
}

/// Appends bytes as a list of the numbers -128 to 127: as Java's libraries write them, and so the events of sources that
/// Lambda reads with Java (the event types of Lambda's client libraries).
pub fn write_signed(out: &mut Vec<u8>, bytes: &[u8]) {
    out.push(b'[');
    for &byte in bytes {
        let (text, length) = &SIGNED[usize::from(byte)];
        let end = out.len() + length;
        // A copy of fixed size is one instruction; what was copied too much is cut off again.
        out.extend_from_slice(text);
        out.truncate(end);
    }
    if !bytes.is_empty() {
        out.pop();
    }
    out.push(b']');
}

/// Appends a number in decimal digits.
pub fn write_digits(out: &mut Vec<u8>, number: u64) {
    let mut digits = [b'0'; 20];
    let mut at = digits.len();
    let mut rest = number;
    loop {
        at -= 1;
        digits[at] += (rest % 10) as u8;
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    out.extend_from_slice(&digits[at..]);
}

/// Appends a number that may be negative in decimal digits.
pub fn write_integer(out: &mut Vec<u8>, number: i64) {
    if number < 0 {
        out.push(b'-');
    }
    write_digits(out, number.unsigned_abs());
}

/// Appends a time as seconds since the Unix epoch: a JSON number that always has a fraction, with no more
/// digits than it needs (`1545084650.987`, `1545084650.0`).
pub fn write_seconds(out: &mut Vec<u8>, time: Timestamp) {
    if time.millis() < 0 {
        out.push(b'-');
    }
    let millis = time.millis().unsigned_abs();
    write_digits(out, millis / 1_000);
    let fraction = (millis % 1_000) as u16;
    let digit = |place: u16| b'0' + (fraction / place % 10) as u8;
    out.extend_from_slice(&[b'.', digit(100), digit(10), digit(1)]);
    let zeros = match fraction {
        fraction if fraction % 100 == 0 => 2,
        fraction if fraction % 10 == 0 => 1,
        _ => 0,
    };
    out.truncate(out.len() - zeros);
}

/// Returns how many bytes [`write_seconds`] appends.
pub fn seconds_length(time: Timestamp) -> usize {
    let millis = time.millis().unsigned_abs();
    let digits = (millis / 1_000).checked_ilog10().unwrap_or_default() as usize + 1;
    let fraction = match millis % 1_000 {
        fraction if fraction % 100 == 0 => 1,
        fraction if fraction % 10 == 0 => 2,
        _ => 3,
    };
    usize::from(time.millis() < 0) + digits + 1 + fraction
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn base64_equals_the_standard_alphabet_with_padding() {
        let mut out = Vec::new();
        write_base64(&mut out, b"foobar\xff\x00");
        assert_eq!(out, b"\"Zm9vYmFy/wA=\"");
    }

    /// Asserts that the seconds are the milliseconds with the point moved, and end with no zero too many.
    fn assert_seconds(millis: i64) {
        let mut out = Vec::new();
        write_seconds(&mut out, Timestamp(millis));
        let text = String::from_utf8(out).unwrap();
        let (whole, fraction) = text.split_once('.').unwrap();
        assert!(
            !fraction.is_empty() && (fraction == "0" || !fraction.ends_with('0')),
            "{text}"
        );
        assert_eq!(
            format!("{whole}{fraction:0<3}").parse(),
            Ok(millis),
            "{text}"
        );
    }

    #[test]
    fn every_fraction_of_a_second_is_written_with_the_digits_it_needs() {
        (-1_000..2_000).for_each(assert_seconds);
    }

    proptest! {
        #[test]
        fn digits_are_those_of_the_number(number in any::<u64>(), shift in 0u32..64) {
            let mut out = Vec::new();
            write_digits(&mut out, number >> shift);
            prop_assert_eq!(String::from_utf8(out).unwrap(), (number >> shift).to_string());
        }

        #[test]
        fn integers_have_the_sign_and_the_digits_of_the_number(number in any::<i64>(), shift in 0u32..64) {
            let mut out = Vec::new();
            write_integer(&mut out, number >> shift);
            prop_assert_eq!(String::from_utf8(out).unwrap(), (number >> shift).to_string());
        }

        #[test]
        fn seconds_are_the_milliseconds_with_the_point_moved(millis in any::<i64>(), shift in 0u32..63) {
            assert_seconds(millis >> shift);
        }

        #[test]
        fn strings_are_written_as_serde_json_writes_them(text in "(?s).{0,40}") {
            let mut out = Vec::new();
            write_string(&mut out, &text);
            prop_assert_eq!(String::from_utf8(out).unwrap(), serde_json::to_string(&text).unwrap());
        }

        #[test]
        fn control_characters_at_any_offset_are_escaped(
            prefix in "[a-z]{0,17}", control in 0u8..0x20, suffix in "[é-ü]{0,9}",
        ) {
            let text = format!("{prefix}{}{suffix}", char::from(control));
            let mut out = Vec::new();
            write_string(&mut out, &text);
            prop_assert_eq!(String::from_utf8(out).unwrap(), serde_json::to_string(&text).unwrap());
        }
    }
}
