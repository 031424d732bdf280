//! Files that a scenario names: durations that were measured, moments of arrivals, counts per minute, prices.

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::Value as Json;

use crate::config::Problems;
use crate::config::fields::Field;

/// The longest time that a scenario may speak of.
pub(super) const LONGEST: Duration = Duration::from_secs(366 * 24 * 60 * 60);

/// The most that is read of one file.
const LARGEST: u64 = 256 * 1024 * 1024;

/// Reads a file that a scenario names, relative to the scenario's folder.
pub(super) fn text(
    field: &Field<'_>,
    folder: &Path,
    problems: &mut Problems,
) -> Option<(PathBuf, String)> {
    let path = folder.join(field.text(problems)?);
    let mut text = String::new();
    let read = File::open(&path).and_then(|file| file.take(LARGEST + 1).read_to_string(&mut text));
    match read {
        Ok(read) if read as u64 > LARGEST => {
            problems.refuse(field.node, &field.path, "is larger than 256 MiB");
            None
        }
        Ok(_) => Some((path, text)),
        Err(error) => {
            let rule = format!("cannot be read: {error}");
            problems.refuse(field.node, &field.path, rule);
            problems.hint("relative paths begin at the folder of the scenario");
            None
        }
    }
}

/// Returns the lines that say something, with their numbers: no blank ones, no comments.
fn lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let numbered = text.lines().enumerate();
    numbered
        .map(|(index, line)| (index + 1, line.trim()))
        .filter(|(_, line)| !line.is_empty() && !line.starts_with('#'))
}

/// Reports what is wrong with a line of a file.
fn refuse_line(field: &Field<'_>, line: usize, found: &str, rule: &str, problems: &mut Problems) {
    let found: String = found.chars().take(60).collect();
    let rule = format!("line {line} of the file is {found:?}: {rule}");
    problems.refuse(field.node, &field.path, rule);
}

/// Reads durations, one in a line: numbers of the unit, or texts such as `12ms`. Returns seconds.
pub(super) fn values(
    field: &Field<'_>,
    unit: Option<&Field<'_>>,
    folder: &Path,
    problems: &mut Problems,
) -> Option<Arc<[f64]>> {
    let units = [("ms", 0.001), ("s", 1.0), ("bytes", 1.0)];
    let factor = match unit {
        Some(unit) => unit.choice(&units, problems)?,
        None => 0.001,
    };
    let (_, text) = text(field, folder, problems)?;
    let mut values = Vec::new();
    for (number, line) in lines(&text) {
        // Of a table the last column counts, and its first line may be names.
        let last = line.rsplit([',', ';', '\t']).next().unwrap_or(line).trim();
        let plain = last.parse::<f64>().ok().map(|value| value * factor);
        let written = || Some(last.parse::<SignedDuration>().ok()?.as_secs_f64());
        match plain.or_else(written) {
            Some(value) if value.is_finite() && value >= 0.0 => values.push(value),
            _ if number == 1 => {}
            _ => {
                let rule = "it must be a number, or a duration such as 12ms";
                refuse_line(field, number, line, rule, problems);
                return None;
            }
        }
    }
    if values.is_empty() {
        problems.refuse(field.node, &field.path, "has no values");
        return None;
    }
    Some(values.into())
}

/// Reads moments, one in a line: seconds since the beginning, or times as RFC 3339 writes them, from the
/// first on.
pub(super) fn times(
    field: &Field<'_>,
    folder: &Path,
    problems: &mut Problems,
) -> Option<Arc<[Duration]>> {
    let (_, text) = text(field, folder, problems)?;
    let mut first = None;
    let mut times = Vec::new();
    for (number, line) in lines(&text) {
        let word = line.split([',', ';', '\t']).next().unwrap_or(line).trim();
        let seconds = word.parse::<f64>().ok();
        let seconds = seconds.or_else(|| {
            let moment: Timestamp = word.parse().ok()?;
            let first = *first.get_or_insert(moment);
            Some(moment.duration_since(first).as_secs_f64())
        });
        match seconds.map(Duration::try_from_secs_f64) {
            Some(Ok(time)) if time <= LONGEST => times.push(time),
            None if number == 1 => {}
            _ => {
                let rule = "it must be seconds since the beginning, or a time such as 2026-01-01T00:00:00Z";
                refuse_line(field, number, line, rule, problems);
                return None;
            }
        }
    }
    times.sort_unstable();
    Some(times.into())
}

/// The most steps of a metric: a year of minutes.
const MOST_STEPS: usize = 366 * 24 * 60;

/// Reads counts in steps: of CloudWatch's `get-metric-data` or `get-metric-statistics` output as JSON, or the last column of a
/// table.
pub(super) fn counts(
    field: &Field<'_>,
    step: Duration,
    folder: &Path,
    problems: &mut Problems,
) -> Option<Arc<[u64]>> {
    let (_, text) = text(field, folder, problems)?;
    if text.trim_start().starts_with(['{', '[']) {
        let parsed: Result<Json, _> = serde_json::from_str(&text);
        let counts = parsed.ok().and_then(|json| metric(&json, step));
        if counts.is_none() {
            let rule =
                "is no list of numbers, and no output of get-metric-data or get-metric-statistics";
            problems.refuse(field.node, &field.path, rule);
        }
        return counts.map(Into::into);
    }
    let mut counts = Vec::new();
    for (number, line) in lines(&text) {
        let last = line.rsplit([',', ';', '\t']).next().unwrap_or(line).trim();
        match last.parse::<f64>() {
            Ok(count) if count.is_finite() && count >= 0.0 => counts.push(whole(count)),
            Err(_) if number == 1 => {}
            _ => {
                refuse_line(field, number, line, "it must be a number", problems);
                return None;
            }
        }
    }
    Some(counts.into())
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "rounded, not negative, and cut at the largest"
)]
fn whole(count: f64) -> u64 {
    count.round().min(1e12) as u64
}

/// Returns the values of a metric step by step; minutes without a value have none, and count as 0.
fn metric(json: &Json, step: Duration) -> Option<Vec<u64>> {
    let number = |value: &Json| value.as_f64().filter(|number| *number >= 0.0).map(whole);
    if let Some(list) = json.as_array() {
        return list.iter().map(number).collect();
    }
    let time = |value: &Json| value.as_str()?.parse::<Timestamp>().ok();
    let result = json.get("MetricDataResults").and_then(|all| all.get(0));
    let pairs: Vec<(Timestamp, u64)> = match result {
        Some(result) => {
            let times = result.get("Timestamps")?.as_array()?.iter();
            let values = result.get("Values")?.as_array()?.iter();
            times
                .zip(values)
                .map(|(at, value)| Some((time(at)?, number(value)?)))
                .collect::<Option<_>>()?
        }
        None => {
            let points = json.get("Datapoints")?.as_array()?.iter();
            let value =
                |point: &Json| number(point.get("Sum").or_else(|| point.get("SampleCount"))?);
            points
                .map(|point| Some((time(point.get("Timestamp")?)?, value(point)?)))
                .collect::<Option<_>>()?
        }
    };
    let Some(first) = pairs.iter().map(|(at, _)| *at).min() else {
        return Some(Vec::new());
    };
    let mut counts = Vec::new();
    for (at, count) in pairs {
        let place = at.duration_since(first).as_secs_f64() / step.as_secs_f64();
        let place = usize::try_from(whole(place)).ok()?;
        if place > MOST_STEPS {
            return None;
        }
        if counts.len() <= place {
            counts.resize(place + 1, 0);
        }
        counts[place] += count;
    }
    Some(counts)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_metric_is_read_in_the_order_of_time_whatever_form_it_has() {
        let minute = Duration::from_secs(60);
        let metric = |json| metric(&json, minute);
        assert_eq!(metric(json!([3, 1.6, 0])), Some(vec![3, 2, 0]));
        let data = json!({"MetricDataResults": [{
            "Timestamps": ["2026-01-01T00:03:00Z", "2026-01-01T00:00:00Z"], "Values": [7.0, 5.0],
        }]});
        assert_eq!(metric(data), Some(vec![5, 0, 0, 7]));
        let statistics = json!({"Datapoints": [
            {"Timestamp": "2026-01-01T00:01:00Z", "Sum": 4.0},
            {"Timestamp": "2026-01-01T00:00:00Z", "Sum": 9.0},
        ]});
        assert_eq!(metric(statistics), Some(vec![9, 4]));
        assert_eq!(metric(json!({"Values": [1]})), None);
    }
}
