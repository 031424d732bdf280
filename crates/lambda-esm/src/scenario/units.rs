//! Durations, rates, sizes and distributions, as people write them.

use std::path::Path;
use std::time::Duration;

use jiff::SignedDuration;
use lambda_esm_lab::scenario::Distribution;

use super::trace::{self, LONGEST};
use crate::config::Problems;
use crate::config::fields::Field;
use crate::config::yaml::Value;

/// The most records per second that a source may get.
const MOST_PER_SECOND: f64 = 1_000_000.0;

/// Reads a time: a number of seconds, or a text such as `250ms`, `90s` or `1h 30m`.
pub(super) fn duration(field: &Field<'_>, problems: &mut Problems) -> Option<Duration> {
    if !matches!(field.node.value, Value::Text(_)) {
        return field.seconds(0.0..=LONGEST.as_secs_f64(), problems);
    }
    let text = field.text(problems)?;
    let parsed = text.parse::<SignedDuration>().ok();
    let Some(duration) = parsed.and_then(|parsed| Duration::try_from(parsed).ok()) else {
        problems.refuse(field.node, &field.path, "is no duration");
        problems.hint("write a number of seconds, or for example 250ms, 90s, 15m or 1h30m");
        return None;
    };
    if duration > LONGEST {
        problems.refuse(field.node, &field.path, "must be 366 days at most");
        return None;
    }
    Some(duration)
}

/// Reads a time that is not zero.
pub(super) fn some_duration(field: &Field<'_>, problems: &mut Problems) -> Option<Duration> {
    let duration = duration(field, problems)?;
    if duration.is_zero() {
        problems.refuse(field.node, &field.path, "must be longer than nothing");
        return None;
    }
    Some(duration)
}

/// Reads a rate: a number per second, or a text such as `100/s`, `6000/min` or `20/h`.
pub(super) fn rate(field: &Field<'_>, problems: &mut Problems) -> Option<f64> {
    if !matches!(field.node.value, Value::Text(_)) {
        return field.number(0.0..=MOST_PER_SECOND, "records per second", problems);
    }
    let text = field.text(problems)?;
    let Some(rate) = parse_rate(text) else {
        problems.refuse(field.node, &field.path, "is no rate");
        problems.hint("write a number per second, or for example 100/s, 6000/min or 20/h");
        return None;
    };
    if rate > MOST_PER_SECOND {
        let rule = format!("must be {MOST_PER_SECOND} records per second at most");
        problems.refuse(field.node, &field.path, rule);
        return None;
    }
    Some(rate)
}

fn parse_rate(text: &str) -> Option<f64> {
    let (number, unit) = text.split_once('/')?;
    let number: f64 = number.trim().replace(['_', ','], "").parse().ok()?;
    let seconds = match unit.trim() {
        "s" | "sec" | "second" => 1.0,
        "m" | "min" | "minute" => 60.0,
        "h" | "hour" => 3_600.0,
        "d" | "day" => 86_400.0,
        _ => return None,
    };
    (number.is_finite() && number >= 0.0).then_some(number / seconds)
}

/// The largest payload: what SQS and Kinesis take since 2025 is 1 MiB, and Kafka as much as it is told to.
const LARGEST: f64 = 10.0 * 1024.0 * 1024.0;

/// Reads a size: a number of bytes, or a text such as `200B`, `2KB` or `1MB`, in steps of 1,024.
pub(super) fn size(field: &Field<'_>, problems: &mut Problems) -> Option<f64> {
    if !matches!(field.node.value, Value::Text(_)) {
        return field.number(0.0..=LARGEST, "bytes", problems);
    }
    let text = field.text(problems)?;
    match parse_size(text) {
        Some(size) if size <= LARGEST => Some(size),
        Some(_) => {
            problems.refuse(field.node, &field.path, "must be 10 MB at most");
            None
        }
        None => {
            problems.refuse(field.node, &field.path, "is no size");
            problems.hint("write a number of bytes, or for example 200B, 2KB or 1MB");
            None
        }
    }
}

fn parse_size(text: &str) -> Option<f64> {
    let split = text.find(|c: char| c.is_ascii_alphabetic())?;
    let (number, unit) = text.split_at(split);
    let number: f64 = number.trim().parse().ok()?;
    let factor = match unit.trim().to_ascii_lowercase().as_str() {
        "b" | "bytes" => 1.0,
        "k" | "kb" | "kib" => 1024.0,
        "m" | "mb" | "mib" => 1024.0 * 1024.0,
        _ => return None,
    };
    (number.is_finite() && number >= 0.0).then_some(number * factor)
}

/// How a single value of a distribution is read.
pub(super) type Reader = fn(&Field<'_>, &mut Problems) -> Option<f64>;

/// Reads a time in seconds.
pub(super) fn seconds(field: &Field<'_>, problems: &mut Problems) -> Option<f64> {
    Some(duration(field, problems)?.as_secs_f64())
}

/// Reads a value or a distribution of values: `{min, max}`, `{p50, p99}`, `{mean}` or `{file}`.
pub(super) fn distribution(
    field: &Field<'_>,
    read: Reader,
    folder: &Path,
    problems: &mut Problems,
) -> Option<Distribution> {
    if !matches!(field.node.value, Value::Map(_)) {
        return read(field, problems).map(Distribution::Fixed);
    }
    let mut section = field.section(problems)?;
    let [min, max, p50, p99, mean] =
        ["min", "max", "p50", "p99", "mean"].map(|key| section.take(key));
    let file = section.take("file");
    let unit = section.take("unit");
    section.finish(problems);
    let mut value = |field: &Option<Field<'_>>| read(field.as_ref()?, problems);
    match (&min, &max, &p50, &p99, &mean, &file) {
        (Some(_), Some(_), None, None, None, None) => {
            let (min, max) = (value(&min)?, value(&max)?);
            ordered(field, "min", "max", min <= max, problems)?;
            Some(Distribution::Uniform { min, max })
        }
        (None, None, Some(_), Some(_), None, None) => {
            let (p50, p99) = (value(&p50)?, value(&p99)?);
            ordered(field, "p50", "p99", p50 <= p99, problems)?;
            if p50 <= 0.0 {
                problems.add(field.node.location, &field.path, "p50 must be above 0");
                return None;
            }
            Some(Distribution::LogNormal { p50, p99 })
        }
        (None, None, None, None, Some(_), None) => {
            let mean = value(&mean)?;
            Some(Distribution::Exponential { mean })
        }
        (None, None, None, None, None, Some(file)) => {
            let values = trace::values(file, unit.as_ref(), folder, problems)?;
            Some(Distribution::Empirical(values))
        }
        _ => {
            problems.add(
                field.node.location,
                &field.path,
                "must be a value or a distribution of one kind",
            );
            let examples = "{min, max}, {p50, p99}, {mean}, or {file, unit}";
            problems.hint(format!("for example {examples}"));
            None
        }
    }
}

fn ordered(
    field: &Field<'_>,
    less: &str,
    more: &str,
    is_so: bool,
    problems: &mut Problems,
) -> Option<()> {
    if !is_so {
        let rule = format!("{less} must not exceed {more}");
        problems.add(field.node.location, &field.path, rule);
    }
    is_so.then_some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_and_sizes_are_read_with_their_units() {
        assert_eq!(parse_rate("100/s"), Some(100.0));
        assert_eq!(parse_rate("6,000 / min"), Some(100.0));
        assert_eq!(parse_rate("36/h"), Some(0.01));
        assert_eq!(parse_rate("100"), None);
        assert_eq!(parse_rate("-1/s"), None);
        assert_eq!(parse_size("2KB"), Some(2048.0));
        assert_eq!(parse_size("1.5 kb"), Some(1536.0));
        assert_eq!(parse_size("200 B"), Some(200.0));
        assert_eq!(parse_size("2 horses"), None);
    }
}
