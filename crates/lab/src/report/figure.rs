//! A single figure of a report, for expectations and rankings.

use super::{MappingReport, Report};
use crate::scenario::Metric;

const DAY_MS: f64 = 86_400_000.0;

/// Returns a figure: of one mapping by its label, or of all together. Of several mappings latencies and ages are the
/// worst, all else is the sum. `None` where there is no such mapping, and for costs of a single one: mappings share
/// functions and sources.
#[must_use]
pub fn figure(report: &Report, mapping: Option<&str>, metric: Metric) -> Option<f64> {
    let chosen: Vec<&MappingReport> = report
        .mappings
        .iter()
        .filter(|one| mapping.is_none_or(|label| one.label == label))
        .collect();
    if chosen.is_empty() || mapping.is_some() && is_cost(metric) {
        return None;
    }
    let worst =
        |of: fn(&MappingReport) -> f64| chosen.iter().map(|one| of(one)).fold(0.0, f64::max);
    let sum = |of: fn(&MappingReport) -> u64| chosen.iter().map(|one| of(one) as f64).sum::<f64>();
    let for_days = |days: f64| report.cost * days * DAY_MS / (report.arrivals_ms.max(1) as f64);
    Some(match metric {
        Metric::P50 => worst(|one| one.latency.p50),
        Metric::P90 => worst(|one| one.latency.p90),
        Metric::P99 => worst(|one| one.latency.p99),
        Metric::MaxLatency => worst(|one| one.latency.max),
        Metric::Age => worst(|one| one.age.max),
        Metric::Drops => sum(|one| one.records.dropped.values().sum()),
        Metric::DeadLetters => sum(|one| one.records.dead_lettered.values().sum()),
        Metric::Lost => sum(|one| one.records.lost),
        Metric::Waiting => sum(|one| one.records.waiting),
        Metric::Invocations => sum(|one| one.invocations),
        Metric::Throttles => sum(|one| one.throttles),
        Metric::Errors => sum(|one| one.errors),
        Metric::Concurrency => sum(|one| one.max_concurrency),
        Metric::Cost => report.cost,
        Metric::CostPerDay => for_days(1.0),
        Metric::CostPerMonth => for_days(30.0),
        Metric::CostPerMillion => {
            let processed = sum(|one| one.records.processed);
            if processed > 0.0 {
                report.cost / processed * 1e6
            } else {
                0.0
            }
        }
        Metric::GbSeconds if mapping.is_none() => report
            .functions
            .iter()
            .map(|function| function.gb_seconds)
            .sum(),
        Metric::GbSeconds => return None,
    })
}

/// Tells whether a figure is money, of which single mappings have none of their own.
#[must_use]
pub const fn is_cost(metric: Metric) -> bool {
    matches!(
        metric,
        Metric::Cost | Metric::CostPerDay | Metric::CostPerMonth | Metric::CostPerMillion
    )
}
