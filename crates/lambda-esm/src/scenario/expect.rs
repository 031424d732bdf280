//! What must hold at the end.

use jiff::SignedDuration;
use lambda_esm_lab::report::is_cost;
use lambda_esm_lab::scenario::{Comparison, Expectation, MappingPlan, Metric};

use crate::config::Problems;
use crate::config::fields::Field;
use crate::config::suggest::known_names;
use crate::config::yaml::Value;

/// In which unit a metric is written.
#[derive(Clone, Copy, PartialEq)]
enum Unit {
    Time,
    Count,
    Money,
}

const METRICS: [(&str, Metric, Unit); 18] = [
    ("p50", Metric::P50, Unit::Time),
    ("p90", Metric::P90, Unit::Time),
    ("p99", Metric::P99, Unit::Time),
    ("max_latency", Metric::MaxLatency, Unit::Time),
    ("age", Metric::Age, Unit::Time),
    ("drops", Metric::Drops, Unit::Count),
    ("dead_letters", Metric::DeadLetters, Unit::Count),
    ("lost", Metric::Lost, Unit::Count),
    ("waiting", Metric::Waiting, Unit::Count),
    ("invocations", Metric::Invocations, Unit::Count),
    ("throttles", Metric::Throttles, Unit::Count),
    ("errors", Metric::Errors, Unit::Count),
    ("concurrency", Metric::Concurrency, Unit::Count),
    ("cost", Metric::Cost, Unit::Money),
    ("cost_per_day", Metric::CostPerDay, Unit::Money),
    ("cost_per_month", Metric::CostPerMonth, Unit::Money),
    ("cost_per_million", Metric::CostPerMillion, Unit::Money),
    ("gb_seconds", Metric::GbSeconds, Unit::Count),
];

/// Returns the names of all figures.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    METRICS.iter().map(|(name, ..)| *name)
}

/// Returns the figure of a name.
pub(super) fn metric(name: &str) -> Option<Metric> {
    let found = METRICS.iter().find(|(known, ..)| *known == name);
    found.map(|(_, metric, _)| *metric)
}

/// Reads a map of metrics and bounds; the label of a mapping may stand before those of that mapping.
pub(super) fn read(
    field: &Field<'_>,
    mappings: &[MappingPlan],
    problems: &mut Problems,
) -> Vec<Expectation> {
    let mut found = Vec::new();
    for (member, entry) in field.entries(problems).unwrap_or_default() {
        if !matches!(entry.node.value, Value::Map(_)) {
            found.extend(one(&member.key, None, &entry, problems));
            continue;
        }
        if !mappings.iter().any(|mapping| mapping.label == member.key) {
            let labels: Vec<&str> = mappings.iter().map(|mapping| &*mapping.label).collect();
            problems.add(member.location, &entry.path, "there is no such mapping");
            problems.hint(known_names(&member.key, &labels));
            continue;
        }
        for (inner, entry) in entry.entries(problems).unwrap_or_default() {
            found.extend(one(&inner.key, Some(&member.key), &entry, problems));
        }
    }
    found
}

/// Reads a bound of all mappings together as the command line has it: `p99 < 5s`.
pub(crate) fn bound(text: &str) -> Option<Expectation> {
    let sign = text.find(['<', '>', '='])?;
    let (name, rest) = text.split_at(sign);
    let (_, metric, unit) = METRICS.iter().find(|(known, ..)| *known == name.trim())?;
    let (comparison, bound) = parse(rest, *unit)?;
    Some(Expectation {
        mapping: None,
        metric: *metric,
        comparison,
        bound,
    })
}

fn one(
    name: &str,
    mapping: Option<&str>,
    field: &Field<'_>,
    problems: &mut Problems,
) -> Option<Expectation> {
    let Some((_, metric, unit)) = METRICS.iter().find(|(known, ..)| *known == name) else {
        problems.add(field.node.location, &field.path, "is no figure of a report");
        let names: Vec<&str> = names().collect();
        problems.hint(known_names(name, &names));
        return None;
    };
    let shared = is_cost(*metric) || *metric == Metric::GbSeconds;
    if shared && mapping.is_some() {
        let rule = "is of all mappings together: they share functions and sources";
        problems.add(field.node.location, &field.path, rule);
        problems.hint("write it without the mapping");
        return None;
    }
    let (comparison, bound) = comparison(field, *unit, problems)?;
    Some(Expectation {
        mapping: mapping.map(str::to_owned),
        metric: *metric,
        comparison,
        bound,
    })
}

/// Reads a bound such as `< 5s`, `<= 10` or `0`; without a sign it is exact.
fn comparison(field: &Field<'_>, unit: Unit, problems: &mut Problems) -> Option<(Comparison, f64)> {
    if !matches!(field.node.value, Value::Text(_)) {
        let bound = field.number(0.0..=1e15, "", problems)?;
        let bound = if unit == Unit::Time {
            bound * 1000.0
        } else {
            bound
        };
        return Some((Comparison::Equal, bound));
    }
    let text = field.text(problems)?;
    let parsed = parse(text, unit);
    if parsed.is_none() {
        problems.refuse(field.node, &field.path, "is no bound");
        problems.hint(match unit {
            Unit::Time => "write for example \"< 5s\" or \"<= 250ms\"",
            Unit::Count => "write for example 0 or \"<= 100\"",
            Unit::Money => "write for example \"< 12.50\", in US dollars",
        });
    }
    parsed
}

/// Reads a bound; times are in milliseconds.
fn parse(text: &str, unit: Unit) -> Option<(Comparison, f64)> {
    let text = text.trim();
    let signs = [
        ("<=", Comparison::AtMost),
        (">=", Comparison::AtLeast),
        ("<", Comparison::Less),
        (">", Comparison::More),
        ("=", Comparison::Equal),
    ];
    let signed = signs
        .iter()
        .find_map(|(sign, comparison)| Some((*comparison, text.strip_prefix(sign)?.trim())));
    let (comparison, rest) = signed.unwrap_or((Comparison::Equal, text));
    let rest = rest.trim_start_matches('$');
    let number = rest.replace(['_', ','], "").parse::<f64>().ok();
    let bound = match unit {
        Unit::Time => match number {
            Some(seconds) => seconds * 1000.0,
            None => rest.parse::<SignedDuration>().ok()?.as_secs_f64() * 1000.0,
        },
        Unit::Count | Unit::Money => number?,
    };
    (bound.is_finite() && bound >= 0.0).then_some((comparison, bound))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bound_of_the_command_line_names_its_figure() {
        let read = bound("p99<5s").unwrap();
        let parts = (read.metric, read.comparison, read.bound);
        assert_eq!(parts, (Metric::P99, Comparison::Less, 5000.0));
        assert_eq!(
            bound("dead_letters = 0").unwrap().metric,
            Metric::DeadLetters
        );
        for wrong in ["p99", "p98 < 5s", "p99 < soon", "< 5s"] {
            assert_eq!(bound(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn bounds_are_read_in_the_unit_of_their_metric() {
        assert_eq!(parse("< 5s", Unit::Time), Some((Comparison::Less, 5000.0)));
        let least = Some((Comparison::AtLeast, 250.0));
        assert_eq!(parse(">=250ms", Unit::Time), least);
        assert_eq!(parse("2", Unit::Time), Some((Comparison::Equal, 2000.0)));
        assert_eq!(
            parse("<= 1,000", Unit::Count),
            Some((Comparison::AtMost, 1000.0))
        );
        assert_eq!(
            parse("< $12.5", Unit::Money),
            Some((Comparison::Less, 12.5))
        );
        assert_eq!(parse("< 5s", Unit::Count), None);
        assert_eq!(parse("soon", Unit::Time), None);
    }
}
