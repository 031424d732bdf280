//! How scenarios spell times, counts and records.

use std::fmt;
use std::ops::RangeInclusive;

use lambda_esm_core::Timestamp;
use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer};

use crate::mapping::START;

/// A time from the scenario's beginning, or a span, in milliseconds: `800ms`, `2.4s`, `3m`, `1h`, `-70s`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Span(pub(crate) i64);

impl Span {
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let units = [("ms", 1.0), ("s", 1e3), ("m", 60e3), ("h", 3600e3)];
        let wrong = || format!("{text:?} is no time; write 800ms, 2.4s, 3m or 1h");
        let (number, millis) = units
            .iter()
            .find_map(|(unit, millis)| Some((text.strip_suffix(unit)?, millis)))
            .ok_or_else(wrong)?;
        let number: f64 = number.parse().map_err(|_| wrong())?;
        #[expect(clippy::cast_possible_truncation, reason = "far below 2^53")]
        let millis = (number * millis).round() as i64;
        Ok(Self(millis))
    }

    pub(crate) const fn at(self) -> Timestamp {
        Timestamp(START.0 + self.0)
    }

    pub(crate) const fn from(time: Timestamp) -> Self {
        Self(time.0 - START.0)
    }

    pub(crate) fn duration(self) -> std::time::Duration {
        std::time::Duration::from_millis(self.0.max(0).unsigned_abs())
    }
}

impl fmt::Display for Span {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let millis = self.0;
        if millis.abs() < 1000 && millis != 0 {
            return write!(out, "{millis}ms");
        }
        let (seconds, rest) = (millis / 1000, millis % 1000);
        let fraction = format!("{:03}", rest.abs());
        let fraction = fraction.trim_end_matches('0');
        let point = if fraction.is_empty() { "" } else { "." };
        write!(out, "{seconds}{point}{fraction}s")
    }
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).map_err(Error::custom)
    }
}

/// A number, or a range of numbers: `3`, `5..7`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Count(pub(crate) RangeInclusive<u64>);

impl Count {
    pub(crate) fn has(&self, number: usize) -> bool {
        self.0.contains(&(number as u64))
    }

    fn parse(text: &str) -> Option<Self> {
        let (from, to) = text.split_once("..").unwrap_or((text, text));
        let to = if to.is_empty() {
            u64::MAX
        } else {
            to.parse().ok()?
        };
        let from = if from.is_empty() {
            0
        } else {
            from.parse().ok()?
        };
        Some(Self(from..=to))
    }
}

impl fmt::Display for Count {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (from, to) = (self.0.start(), self.0.end());
        if from == to {
            write!(out, "{from}")
        } else {
            write!(out, "{from}..{to}")
        }
    }
}

impl<'de> Deserialize<'de> for Count {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;
        impl Visitor<'_> for Either {
            type Value = Count;

            fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str("a number, or a range like 5..7 or 5..")
            }

            fn visit_u64<E: Error>(self, number: u64) -> Result<Count, E> {
                Ok(Count(number..=number))
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Count, E> {
                Count::parse(text).ok_or_else(|| E::custom(format!("{text:?} is no count")))
            }
        }
        deserializer.deserialize_any(Either)
    }
}

/// Returns the records that a text names: `a b r1..r20`, each perhaps with a key after `@`.
pub(crate) fn names(text: &str) -> Vec<String> {
    text.split_whitespace().flat_map(expand).collect()
}

fn expand(word: &str) -> Vec<String> {
    let (range, key) = match word.split_once('@') {
        Some((range, key)) => (range, format!("@{key}")),
        None => (word, String::new()),
    };
    let bounds = range
        .split_once("..")
        .and_then(|(from, to)| Some((numbered(from)?, numbered(to)?)));
    match bounds {
        Some(((stem, from), (other, to))) if stem == other => {
            (from..=to).map(|n| format!("{stem}{n}{key}")).collect()
        }
        _ => vec![word.to_owned()],
    }
}

/// Splits `r12` into `r` and 12.
fn numbered(word: &str) -> Option<(&str, u64)> {
    let stem = word.trim_end_matches(|letter: char| letter.is_ascii_digit());
    let starts_well = stem.starts_with(|letter: char| letter.is_ascii_alphabetic());
    let number = word[stem.len()..].parse().ok()?;
    starts_well.then_some((stem, number))
}

/// Spells records briefly: three or more numbered ones in a row become a range.
pub(crate) fn brief<N: AsRef<str>>(names: &[N]) -> String {
    let mut words: Vec<String> = Vec::new();
    let mut at = 0;
    while at < names.len() {
        let run = run_length(&names[at..]);
        if run >= 3 {
            let (first, last) = (names[at].as_ref(), names[at + run - 1].as_ref());
            words.push(format!("{first}..{last}"));
        } else {
            words.extend(
                names[at..at + run]
                    .iter()
                    .map(|name| name.as_ref().to_owned()),
            );
        }
        at += run;
    }
    words.join(" ")
}

fn run_length<N: AsRef<str>>(names: &[N]) -> usize {
    let Some((stem, first)) = names.first().and_then(|name| numbered(name.as_ref())) else {
        return 1;
    };
    let follows = |(name, number): &(&N, u64)| numbered(name.as_ref()) == Some((stem, *number));
    names.iter().zip(first..).take_while(follows).count()
}

#[test]
fn times_counts_and_records_are_read_as_they_are_written() {
    for text in ["0s", "800ms", "2.4s", "60.001s", "180s", "-70s", "-5ms"] {
        assert_eq!(Span::parse(text).unwrap().to_string(), text);
    }
    assert_eq!(Span::parse("3m"), Span::parse("180s"));
    assert!(Span::parse("3").is_err());
    assert!(Count::parse("5..7").unwrap().has(6) && !Count::parse("5..7").unwrap().has(8));
    assert_eq!(
        names("a r9..r11@k b@1"),
        ["a", "r9@k", "r10@k", "r11@k", "b@1"]
    );
    assert_eq!(brief(&names("a r1..r4 b r7 r8")), "a r1..r4 b r7 r8");
}
