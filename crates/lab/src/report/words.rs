//! The figures that expectations are about, as people write them.

use super::units::{decimal, duration, money};
use super::{ExpectationReport, Mode, Report};
use crate::scenario::Metric;

/// Names a figure.
pub(crate) fn name(metric: Metric) -> &'static str {
    match metric {
        Metric::P50 => "p50 latency",
        Metric::P90 => "p90 latency",
        Metric::P99 => "p99 latency",
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
        Metric::CostPerMonth => "cost per 30 days",
        Metric::CostPerMillion => "cost per million records",
        Metric::GbSeconds => "GB-seconds",
    }
}

/// Writes a figure in its unit.
pub(crate) fn figure(metric: Metric, value: f64) -> String {
    match metric {
        Metric::P50 | Metric::P90 | Metric::P99 | Metric::MaxLatency | Metric::Age => {
            duration(value)
        }
        Metric::Cost | Metric::CostPerDay | Metric::CostPerMonth | Metric::CostPerMillion => {
            money(value)
        }
        Metric::GbSeconds => decimal(value, 1),
        _ => decimal(value, 0),
    }
}

/// Writes what was expected: `p99 latency < 5.0 s`, and of which mapping.
pub(super) fn expected(report: &ExpectationReport) -> String {
    let expectation = &report.expectation;
    let bound = figure(expectation.metric, expectation.bound);
    let all = format!(
        "{} {} {bound}",
        name(expectation.metric),
        expectation.comparison
    );
    match &expectation.mapping {
        Some(label) => format!("{all} of `{label}`"),
        None => all,
    }
}

/// Says how a report came about, and how long it is about.
pub(super) fn came_about(report: &Report) -> String {
    let how = match report.mode {
        Mode::Simulated { seed } => format!("simulated with seed {seed}"),
        Mode::Measured => "measured on real servers".to_owned(),
    };
    format!(
        "{how}; records arrived for {}, and it ran for {}",
        duration(report.arrivals_ms as f64),
        duration(report.ran_ms as f64)
    )
}
