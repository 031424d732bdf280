//! Compares numbers by value where a double holds them exactly.

use std::fmt::Write;

/// Returns the value of a JSON number if its decimal digits are those of the shortest form of
/// its double, else `None`: such a number equals only itself, digit by digit.
pub(crate) fn comparable(text: &[u8]) -> Option<f64> {
    if let Some(value) = small(text) {
        return Some(value);
    }
    let value: f64 = std::str::from_utf8(text).ok()?.parse().ok()?;
    if !value.is_finite() {
        return None;
    }
    let decimal = Decimal::new(text);
    // Every normal double keeps 15 digits.
    if decimal.count <= 15 && value.abs() >= f64::MIN_POSITIVE {
        return Some(value);
    }
    let mut shortest = Shortest::default();
    write!(shortest, "{value:e}").ok()?;
    (Decimal::new(shortest.text()) == decimal).then_some(value)
}

/// Powers of ten that a double holds exactly, as far as [`small`] needs them.
const TENS: [f64; 16] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
];

/// Reads a number of at most 15 digits without exponent: the quotient of two exact doubles is
/// the nearest double, whose shortest form is the number itself.
#[inline]
fn small(text: &[u8]) -> Option<f64> {
    let (negative, digits) = match text {
        [b'-', digits @ ..] => (true, digits),
        digits => (false, digits),
    };
    if digits.is_empty() || digits.len() > 16 {
        return None;
    }
    let (mut value, mut count, mut point) = (0_u64, 0, None);
    for &byte in digits {
        match byte {
            b'0'..=b'9' => {
                value = value * 10 + u64::from(byte - b'0');
                count += 1;
            }
            b'.' => point = Some(count),
            _ => return None,
        }
    }
    let fraction = point.map_or(0, |point| count - point);
    if count > 15 {
        return None;
    }
    let value = value as f64 / TENS[fraction];
    Some(if negative { -value } else { value })
}

/// A number as its significant digits and the power of ten of the first one.
struct Decimal<'a> {
    negative: bool,
    /// From the first to the last non-zero digit, possibly with a point inside.
    digits: &'a [u8],
    /// Digits in `digits`.
    count: usize,
    magnitude: i64,
}

impl<'a> Decimal<'a> {
    fn new(text: &'a [u8]) -> Self {
        let (negative, text) = match text {
            [b'-', rest @ ..] => (true, rest),
            rest => (false, rest),
        };
        let end = text
            .iter()
            .position(|byte| matches!(byte, b'e' | b'E'))
            .unwrap_or(text.len());
        let mantissa = &text[..end];
        let significant = |byte: &u8| matches!(byte, b'1'..=b'9');
        let Some(first) = mantissa.iter().position(significant) else {
            return Self {
                negative: false,
                digits: b"",
                count: 0,
                magnitude: 0,
            };
        };
        let last = mantissa.iter().rposition(significant).unwrap_or(first);
        let digits = &mantissa[first..=last];
        let point = mantissa
            .iter()
            .position(|&byte| byte == b'.')
            .unwrap_or(end);
        let magnitude = if first < point {
            (point - first) as i64 - 1
        } else {
            point as i64 - first as i64
        };
        Self {
            negative,
            digits,
            count: digits.iter().filter(|&&byte| byte != b'.').count(),
            magnitude: magnitude.saturating_add(exponent(text.get(end + 1..).unwrap_or_default())),
        }
    }
}

impl PartialEq for Decimal<'_> {
    fn eq(&self, other: &Self) -> bool {
        fn digits<'a>(decimal: &Decimal<'a>) -> impl Iterator<Item = &'a u8> {
            decimal.digits.iter().filter(|&&byte| byte != b'.')
        }
        self.negative == other.negative
            && self.magnitude == other.magnitude
            && digits(self).eq(digits(other))
    }
}

fn exponent(text: &[u8]) -> i64 {
    let (negative, digits) = match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        rest => (false, rest),
    };
    let value = digits.iter().fold(0_i64, |value, digit| {
        value
            .saturating_mul(10)
            .saturating_add(i64::from(digit - b'0'))
    });
    if negative { -value } else { value }
}

/// Room for the shortest form of a double: sign, 17 digits, point, `e`, sign, 3 digits.
#[derive(Default)]
struct Shortest {
    bytes: [u8; 32],
    length: usize,
}

impl Shortest {
    fn text(&self) -> &[u8] {
        &self.bytes[..self.length]
    }
}

impl Write for Shortest {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        let end = self.length + text.len();
        let room = self
            .bytes
            .get_mut(self.length..end)
            .ok_or(std::fmt::Error)?;
        room.copy_from_slice(text.as_bytes());
        self.length = end;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::comparable;

    #[test]
    fn numbers_a_double_holds_compare_by_value() {
        for (text, value) in [
            ("300", 300.0),
            ("300.0", 300.0),
            ("3.0e2", 300.0),
            ("3E+2", 300.0),
            ("-0", 0.0),
            ("-0.0", 0.0),
            ("0e5", 0.0),
            ("0.1", 0.1),
            ("-123456.789012345", -123456.789012345),
            ("0.00000000000001", 1e-14),
            ("1234567890123.45", 1234567890123.45),
            ("100000000000000.5", 100000000000000.5),
            ("1e-320", 1e-320),
            ("5e-324", 5e-324),
            ("9007199254740992", 9007199254740992.0),
            ("1.7976931348623157e308", f64::MAX),
            ("1000000000000000000000", 1e21),
        ] {
            assert_eq!(comparable(text.as_bytes()), Some(value), "{text}");
        }
    }

    #[test]
    fn numbers_a_double_rounds_do_not_compare() {
        for text in [
            "9007199254740993",
            "0.1234567890123456789",
            "1e309",
            "-1e309",
            "1e-325",
            "0.1000000000000000055511151231257827",
            "1e99999999999999999999",
            "1e-99999999999999999999",
        ] {
            assert_eq!(comparable(text.as_bytes()), None, "{text}");
        }
    }
}
