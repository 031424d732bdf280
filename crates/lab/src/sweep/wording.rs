//! What a change is and buys, in words.

use serde_json::Value;

use super::candidates::SettingChange;
use super::judge::value;
use super::outcome::{Figures, SweepReport};
use super::plan::Objective;
use crate::report::{figure_name, shown_figure};
use crate::scenario::{Expectation, Metric};

/// Figures of which something is said whenever they change enough, after the objective's.
const TOLD: [Metric; 8] = [
    Metric::Invocations,
    Metric::P99,
    Metric::Cost,
    Metric::Age,
    Metric::Concurrency,
    Metric::Throttles,
    Metric::Drops,
    Metric::DeadLetters,
];

/// The share by which a figure must change to be spoken of.
const WORTH_TELLING: f64 = 0.01;

/// Says what changes are: `BatchSize 10 → 100, MaximumBatchingWindowInSeconds 0 → 2`.
#[must_use]
pub fn changes_in_words(changes: &[SettingChange]) -> String {
    if changes.is_empty() {
        return "the scenario's own".to_owned();
    }
    let words = changes.iter().map(|change| {
        let (from, to) = (plain(&change.from), plain(&change.to));
        format!("{} {from} → {to}", change.parameter)
    });
    words.collect::<Vec<_>>().join(", ")
}

/// Returns a value as people write it.
pub(super) fn plain(value: &Value) -> String {
    match value {
        Value::Null => "none".to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// Says what must hold: `p99 latency < 5 s`.
pub(super) fn bound(expectation: &Expectation) -> String {
    let Expectation {
        mapping,
        metric,
        comparison,
        bound,
    } = expectation;
    let all = format!(
        "{} {comparison} {}",
        figure_name(*metric),
        shown_figure(*metric, *bound)
    );
    match mapping {
        Some(label) => format!("{all} of `{label}`"),
        None => all,
    }
}

/// Says what a configuration breaks, with what was seen: `p99 latency < 5 s (was 6 s)`.
pub(super) fn broken(report: &SweepReport, broken: &[super::Broken]) -> String {
    let words = broken.iter().filter_map(|one| {
        let expectation = &report.constraints.get(one.constraint)?.expectation;
        let seen = shown_figure(expectation.metric, one.seen);
        Some(format!("{} (was {seen})", bound(expectation)))
    });
    words.collect::<Vec<_>>().join(", ")
}

/// Says what comes first.
pub(super) fn order(objective: Objective) -> String {
    match objective {
        Objective::CHEAPEST => "the cheapest first".to_owned(),
        Objective::FASTEST => "the fastest (p99) first".to_owned(),
        Objective { metric, descending } => {
            let which = if descending { "most" } else { "least" };
            format!("the {which} {} first", figure_name(metric))
        }
    }
}

/// Says what differs between two simulations: `87 % fewer invocations, p99 latency + 1.9 s, 61 % cheaper`.
pub(super) fn buys(before: &Figures, after: &Figures, objective: Metric) -> String {
    let first = Some(objective).filter(|metric| !TOLD.contains(metric));
    let all = first.into_iter().chain(TOLD);
    let parts: Vec<String> = all
        .filter_map(|metric| difference(metric, value(before, metric), value(after, metric)))
        .collect();
    if parts.is_empty() {
        "nothing that counts".to_owned()
    } else {
        parts.join(", ")
    }
}

fn difference(metric: Metric, before: f64, after: f64) -> Option<String> {
    let change = after - before;
    if change == 0.0 || change.abs() < WORTH_TELLING * before.abs() {
        return None;
    }
    let name = figure_name(metric);
    if is_time(metric) {
        let sign = if change < 0.0 { '-' } else { '+' };
        return Some(format!(
            "{name} {sign} {}",
            shown_figure(metric, change.abs())
        ));
    }
    let percent = 100.0 * change.abs() / before.abs();
    if before == 0.0 {
        return Some(format!("{name} 0 → {}", shown_figure(metric, after)));
    }
    // More than twice as much is told as a factor.
    if percent >= 200.0 {
        return Some(format!("{:.1} times the {name}", after / before));
    }
    let less = change < 0.0;
    Some(match metric {
        Metric::Cost if less => format!("{percent:.0} % cheaper"),
        Metric::Cost => format!("{percent:.0} % dearer"),
        Metric::Invocations | Metric::Throttles | Metric::Drops | Metric::DeadLetters if less => {
            format!("{percent:.0} % fewer {name}")
        }
        _ if less => format!("{percent:.0} % less {name}"),
        _ => format!("{percent:.0} % more {name}"),
    })
}

const fn is_time(metric: Metric) -> bool {
    matches!(
        metric,
        Metric::P50 | Metric::P90 | Metric::P99 | Metric::MaxLatency | Metric::Age
    )
}

/// Returns the lines of a mapping before and after as JSON, one for each member: what goes begins with `-`, what comes with
/// `+`, what stays with a blank.
#[must_use]
pub fn diff_lines(before: &Value, after: &Value) -> Vec<String> {
    let empty = serde_json::Map::new();
    let before = before.as_object().unwrap_or(&empty);
    let after = after.as_object().unwrap_or(&empty);
    let mut names: Vec<&String> = before.keys().chain(after.keys()).collect();
    names.sort_unstable();
    names.dedup();
    let mut lines = vec!["  {".to_owned()];
    for name in names {
        let line = |sign: char, value: &Value| format!("{sign}   \"{name}\": {value},");
        match (before.get(name), after.get(name)) {
            (Some(old), Some(new)) if old == new => lines.push(line(' ', new)),
            (old, new) => {
                lines.extend(old.map(|value| line('-', value)));
                lines.extend(new.map(|value| line('+', value)));
            }
        }
    }
    lines.push("  }".to_owned());
    lines
}
