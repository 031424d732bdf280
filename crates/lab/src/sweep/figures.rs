//! The figures that a sweep shows.

use crate::scenario::Metric;

/// All figures, in the order in which they are shown.
pub(super) const METRICS: [Metric; 18] = [
    Metric::Cost,
    Metric::CostPerDay,
    Metric::CostPerMonth,
    Metric::CostPerMillion,
    Metric::P50,
    Metric::P90,
    Metric::P99,
    Metric::MaxLatency,
    Metric::Age,
    Metric::Invocations,
    Metric::Throttles,
    Metric::Errors,
    Metric::Concurrency,
    Metric::Drops,
    Metric::DeadLetters,
    Metric::Waiting,
    Metric::Lost,
    Metric::GbSeconds,
];

/// Returns what a figure is called where people read it.
pub(super) const fn name(metric: Metric) -> &'static str {
    match metric {
        Metric::P50 => "p50",
        Metric::P90 => "p90",
        Metric::P99 => "p99",
        Metric::MaxLatency => "max latency",
        Metric::Age => "age",
        Metric::Drops => "drops",
        Metric::DeadLetters => "dead letters",
        Metric::Lost => "lost",
        Metric::Waiting => "waiting",
        Metric::Invocations => "invocations",
        Metric::Throttles => "throttles",
        Metric::Errors => "errors",
        Metric::Concurrency => "concurrency",
        Metric::Cost => "cost",
        Metric::CostPerDay => "cost per day",
        Metric::CostPerMonth => "cost per month",
        Metric::CostPerMillion => "cost per million",
        Metric::GbSeconds => "GB-seconds",
    }
}

/// What a figure is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unit {
    Milliseconds,
    Count,
    Dollars,
}

pub(super) const fn unit(metric: Metric) -> Unit {
    match metric {
        Metric::P50 | Metric::P90 | Metric::P99 | Metric::MaxLatency | Metric::Age => {
            Unit::Milliseconds
        }
        Metric::Cost | Metric::CostPerDay | Metric::CostPerMonth | Metric::CostPerMillion => {
            Unit::Dollars
        }
        _ => Unit::Count,
    }
}

/// Returns a figure with its unit: `1.9 s`, `12,345`, `$0.0123`.
pub(super) fn shown(metric: Metric, value: f64) -> String {
    match unit(metric) {
        Unit::Milliseconds => milliseconds(value),
        Unit::Dollars => dollars(value),
        Unit::Count => grouped(value),
    }
}

fn milliseconds(value: f64) -> String {
    match value {
        ..1_000.0 => format!("{value:.0} ms"),
        ..10_000.0 => format!("{:.1} s", value / 1e3),
        ..120_000.0 => format!("{:.0} s", value / 1e3),
        ..7_200_000.0 => format!("{:.1} min", value / 60e3),
        _ => format!("{:.1} h", value / 3_600e3),
    }
}

/// Cents from a dollar on, below it three digits that count.
fn dollars(value: f64) -> String {
    if value == 0.0 || value.abs() >= 1.0 {
        return format!("${value:.2}");
    }
    let digits = (2.0 - value.abs().log10().floor()).clamp(2.0, 12.0);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "2 to 12"
    )]
    let digits = digits as usize;
    format!("${value:.digits$}")
}

/// Thousands with commas.
fn grouped(value: f64) -> String {
    let digits = format!("{value:.0}");
    let mut grouped = String::new();
    for (place, digit) in digits.chars().enumerate() {
        let left = digits.len() - place;
        if place > 0 && left.is_multiple_of(3) && !grouped.ends_with('-') {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_shown_with_their_units() {
        let cases = [
            (Metric::P99, 340.0, "340 ms"),
            (Metric::P99, 1_900.0, "1.9 s"),
            (Metric::Age, 61_000.0, "61 s"),
            (Metric::Age, 600_000.0, "10.0 min"),
            (Metric::Invocations, 1_234_567.0, "1,234,567"),
            (Metric::Invocations, 999.0, "999"),
            (Metric::Cost, 12.345, "$12.35"),
            (Metric::Cost, 0.012_34, "$0.0123"),
            (Metric::Cost, 0.0, "$0.00"),
        ];
        for (metric, value, wanted) in cases {
            assert_eq!(shown(metric, value), wanted);
        }
    }
}
