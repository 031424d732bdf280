//! Figures as people write them: with their units, and no more digits than tell something.

use std::fmt::Display;

const SECOND_MS: f64 = 1_000.0;
const MINUTE_MS: f64 = 60.0 * SECOND_MS;
const HOUR_MS: f64 = 60.0 * MINUTE_MS;
const DAY_MS: f64 = 24.0 * HOUR_MS;

/// Writes a whole number with a comma between thousands.
pub(super) fn count(number: u64) -> String {
    grouped(&number.to_string())
}

/// Writes a number and what is counted, in singular or plural: `1 batch`, `2 batches`.
pub(super) fn counted(number: u64, one: &str, many: &str) -> String {
    format!("{} {}", count(number), if number == 1 { one } else { many })
}

/// Writes how many records.
pub(super) fn records(number: u64) -> String {
    counted(number, "record", "records")
}

/// Writes a number that need not be whole, with at most `digits` behind the point.
pub(super) fn decimal(number: f64, digits: usize) -> String {
    let written = format!("{:.digits$}", finite(number));
    let (sign, written) = match written.strip_prefix('-') {
        Some(rest) => ("-", rest),
        None => ("", written.as_str()),
    };
    match written.split_once('.') {
        Some((whole, part)) => format!("{sign}{}.{part}", grouped(whole)),
        None => format!("{sign}{}", grouped(written)),
    }
}

/// Writes a number with one digit behind the point, if that is not 0.
pub(super) fn short(number: f64) -> String {
    let written = decimal(number, 1);
    match written.strip_suffix(".0") {
        Some(whole) => whole.to_owned(),
        None => written,
    }
}

/// Writes a number with as few characters as an axis has room for: `950`, `1.2k`, `35M`.
pub(super) fn compact(number: f64) -> String {
    let number = finite(number);
    for (unit, size) in [("T", 1e12), ("G", 1e9), ("M", 1e6), ("k", 1e3)] {
        if number >= size {
            return format!("{}{unit}", short(number / size));
        }
    }
    if number >= 1.0 || number == 0.0 {
        short(number)
    } else {
        format!("{number}")
    }
}

/// Writes how many in a second; in a minute or an hour where that is too few to be read.
pub(super) fn rate(per_second: f64) -> String {
    let per_second = finite(per_second);
    if per_second == 0.0 {
        "0/s".to_owned()
    } else if per_second >= 1_000.0 {
        format!("{}/s", decimal(per_second, 0))
    } else if per_second >= 1.0 {
        format!("{per_second:.1}/s")
    } else if per_second * 60.0 >= 1.0 {
        format!("{:.1}/min", per_second * 60.0)
    } else {
        format!("{:.1}/h", per_second * 3_600.0)
    }
}

/// Writes a duration of so many milliseconds.
pub(super) fn duration(ms: f64) -> String {
    let ms = finite(ms).max(0.0);
    if ms == 0.0 {
        "0 s".to_owned()
    } else if ms < 9.95 {
        format!("{ms:.1} ms")
    } else if ms < 999.5 {
        format!("{ms:.0} ms")
    } else if ms < 59_950.0 {
        format!("{} s", short(ms / SECOND_MS))
    } else {
        long_duration(ms)
    }
}

fn long_duration(ms: f64) -> String {
    let (large, large_ms, small, small_ms) = if ms < HOUR_MS - 500.0 {
        ("min", MINUTE_MS, "s", SECOND_MS)
    } else if ms < DAY_MS - 30_000.0 {
        ("h", HOUR_MS, "min", MINUTE_MS)
    } else {
        ("d", DAY_MS, "h", HOUR_MS)
    };
    // Rounded first, so that no 60 s stand beside a minute.
    let smalls = (ms / small_ms).round();
    let each = (large_ms / small_ms).round();
    let (whole, rest) = ((smalls / each).floor(), smalls % each);
    if rest == 0.0 {
        format!("{} {large}", decimal(whole, 0))
    } else {
        format!("{} {large} {rest:.0} {small}", decimal(whole, 0))
    }
}

/// Writes US dollars: cents, and of less than a dollar four digits that tell something.
pub(super) fn money(dollars: f64) -> String {
    let dollars = finite(dollars);
    if dollars == 0.0 || dollars.abs() >= 1.0 {
        format!("${}", decimal(dollars, 2))
    } else if dollars.abs() >= 0.01 {
        format!("${dollars:.3}")
    } else if dollars.abs() >= 0.000_001 {
        format!("${dollars:.6}")
    } else {
        "less than $0.000001".to_owned()
    }
}

/// Writes which share of the whole a part is; 0 % of nothing.
pub(super) fn share(part: f64, whole: f64) -> String {
    let percent = if whole > 0.0 {
        finite(part / whole) * 100.0
    } else {
        0.0
    };
    if percent == 0.0 || percent == 100.0 {
        format!("{percent:.0} %")
    } else if percent < 0.01 {
        "under 0.01 %".to_owned()
    } else if percent < 1.0 {
        format!("{percent:.2} %")
    } else if percent > 99.0 {
        // Never 100 % of what is not all.
        format!("{:.2} %", percent.min(99.99))
    } else {
        format!("{percent:.0} %")
    }
}

/// Writes a number of bytes.
pub(super) fn bytes(number: u64) -> String {
    let exact = number as f64;
    for (unit, size) in [("GB", 1e9), ("MB", 1e6), ("KB", 1e3)] {
        if exact >= size {
            return format!("{} {unit}", decimal(exact / size, 1));
        }
    }
    counted(number, "byte", "bytes")
}

/// Joins parts as a sentence lists them: `a, b and c`.
pub(super) fn list<T: Display>(parts: &[T]) -> String {
    match parts {
        [] => String::new(),
        [only] => only.to_string(),
        [before @ .., last] => {
            let before: Vec<String> = before.iter().map(ToString::to_string).collect();
            format!("{} and {last}", before.join(", "))
        }
    }
}

fn grouped(digits: &str) -> String {
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// A figure that is none is shown as 0: a report never fails.
fn finite(number: f64) -> f64 {
    if number.is_finite() { number } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_written_as_people_say_them() {
        for (ms, written) in [
            (0.0, "0 s"),
            (0.4, "0.4 ms"),
            (9.96, "10 ms"),
            (999.6, "1 s"),
            (1_234.0, "1.2 s"),
            (59_960.0, "1 min"),
            (125_000.0, "2 min 5 s"),
            (3_599_600.0, "1 h"),
            (11_520_000.0, "3 h 12 min"),
            (86_399_000.0, "1 d"),
            (187_200_000.0, "2 d 4 h"),
            (f64::NAN, "0 s"),
        ] {
            assert_eq!(duration(ms), written, "{ms} ms");
        }
    }

    #[test]
    fn numbers_rates_and_money_keep_what_tells_something() {
        assert_eq!(count(u64::MAX), "18,446,744,073,709,551,615");
        assert_eq!(count(999), "999");
        assert_eq!(counted(1, "batch", "batches"), "1 batch");
        assert_eq!(counted(0, "batch", "batches"), "0 batches");
        assert_eq!(decimal(-1_234.56, 1), "-1,234.6");
        assert_eq!(rate(83.14), "83.1/s");
        assert_eq!(rate(0.05), "3.0/min");
        assert_eq!(rate(0.001), "3.6/h");
        assert_eq!(rate(12_345.6), "12,346/s");
        assert_eq!(money(0.0), "$0.00");
        assert_eq!(money(1_234.5), "$1,234.50");
        assert_eq!(money(0.0421), "$0.042");
        assert_eq!(money(0.000_042), "$0.000042");
        assert_eq!(money(1e-9), "less than $0.000001");
        assert_eq!(
            [0.0, 0.02, 950.0, 1_200.0, 35e6].map(compact),
            ["0", "0.02", "950", "1.2k", "35M"]
        );
        assert_eq!(bytes(1), "1 byte");
        assert_eq!(bytes(1_234_567), "1.2 MB");
    }

    #[test]
    fn a_share_that_is_not_all_is_never_written_as_all() {
        assert_eq!(share(999_999.0, 1_000_000.0), "99.99 %");
        assert_eq!(share(1.0, 1_000_000.0), "under 0.01 %");
        assert_eq!(share(5.0, 5.0), "100 %");
        assert_eq!(share(1.0, 0.0), "0 %");
        assert_eq!(share(1.0, 4.0), "25 %");
    }

    #[test]
    fn lists_read_as_a_sentence() {
        assert_eq!(list(&["a"]), "a");
        assert_eq!(list(&["a", "b"]), "a and b");
        assert_eq!(list(&["a", "b", "c"]), "a, b and c");
    }
}
