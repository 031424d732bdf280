//! What a change is and buys, in words.

use serde_json::Value;

use super::candidates::SettingChange;
use super::figures::{Unit, shown, unit};
use super::judge::value;
use super::outcome::Figures;
use crate::scenario::Metric;

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

/// Says what a change is: `BatchSize 10 → 100`.
#[must_use]
pub fn change_in_words(change: &SettingChange) -> String {
    let name = change.parameter.as_str();
    format!("{name} {} → {}", plain(&change.from), plain(&change.to))
}

/// Returns a value as people write it.
#[must_use]
pub fn plain(value: &Value) -> String {
    match value {
        Value::Null => "none".to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// Says what differs between two simulations: `87 % fewer invocations, p99 + 1.9 s, 61 % cheaper`.
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
    let less = change < 0.0;
    let percent = 100.0 * change.abs() / before.abs();
    // More than twice as much is told as a factor.
    let share = if before == 0.0 {
        shown(metric, after)
    } else if percent >= 200.0 {
        format!("{:.1} times the", after / before)
    } else {
        format!("{percent:.0} %")
    };
    let name = super::figures::name(metric);
    Some(match (unit(metric), less) {
        (Unit::Milliseconds, _) => {
            let sign = if less { '-' } else { '+' };
            format!("{name} {sign} {}", shown(metric, change.abs()))
        }
        (_, _) if share.ends_with("the") => format!("{share} {name}"),
        (Unit::Dollars, true) => format!("{share} cheaper{}", per(metric)),
        (Unit::Dollars, false) => format!("{share} dearer{}", per(metric)),
        (Unit::Count, true) if counted(metric) => format!("{share} fewer {name}"),
        (Unit::Count, true) => format!("{share} less {name}"),
        (Unit::Count, false) => format!("{share} more {name}"),
    })
}

const fn counted(metric: Metric) -> bool {
    !matches!(metric, Metric::Concurrency | Metric::Lost | Metric::Waiting)
}

const fn per(metric: Metric) -> &'static str {
    match metric {
        Metric::CostPerDay => " per day",
        Metric::CostPerMonth => " per month",
        Metric::CostPerMillion => " per million records",
        _ => "",
    }
}
