//! The figures that a sweep compares.

use crate::scenario::Metric;

/// All figures.
pub(super) const METRICS: [Metric; 18] = [
    Metric::P50,
    Metric::P90,
    Metric::P99,
    Metric::MaxLatency,
    Metric::Age,
    Metric::Drops,
    Metric::DeadLetters,
    Metric::Lost,
    Metric::Waiting,
    Metric::Invocations,
    Metric::Throttles,
    Metric::Errors,
    Metric::Concurrency,
    Metric::Cost,
    Metric::CostPerDay,
    Metric::CostPerMonth,
    Metric::CostPerMillion,
    Metric::GbSeconds,
];
