//! What must hold at the end, and what a sweep ranks by.

use std::fmt;

use serde::Serialize;

/// A bound of a figure of the report.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Expectation {
    /// The mapping by its label; `None` for all together.
    pub mapping: Option<String>,
    /// Which figure.
    pub metric: Metric,
    /// How it is compared.
    pub comparison: Comparison,
    /// With what, in the metric's unit.
    pub bound: f64,
}

/// How a figure is compared with a bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Comparison {
    /// Less than.
    #[serde(rename = "<")]
    Less,
    /// At most.
    #[serde(rename = "<=")]
    AtMost,
    /// Exactly.
    #[serde(rename = "=")]
    Equal,
    /// At least.
    #[serde(rename = ">=")]
    AtLeast,
    /// More than.
    #[serde(rename = ">")]
    More,
}

impl Comparison {
    /// Tells whether `seen` compares so with `bound`.
    #[must_use]
    pub fn holds(self, seen: f64, bound: f64) -> bool {
        match self {
            Self::Less => seen < bound,
            Self::AtMost => seen <= bound,
            Self::Equal => (seen - bound).abs() <= f64::EPSILON * bound.abs().max(1.0),
            Self::AtLeast => seen >= bound,
            Self::More => seen > bound,
        }
    }
}

impl fmt::Display for Comparison {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Less => "<",
            Self::AtMost => "<=",
            Self::Equal => "=",
            Self::AtLeast => ">=",
            Self::More => ">",
        })
    }
}

/// A figure of the report. Times are in milliseconds, money in US dollars.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Metric {
    /// End-to-end latency, from a record's arrival until the function has processed it: half are faster.
    P50,
    /// 90 in 100 are faster.
    P90,
    /// 99 in 100 are faster.
    P99,
    /// The slowest.
    MaxLatency,
    /// The greatest age of the oldest record that is not settled: iterator age, age of the oldest message.
    Age,
    /// Records that were given up without being processed, and of which nobody was told.
    Drops,
    /// Records that moved to a dead-letter queue or an on-failure destination.
    DeadLetters,
    /// Records that are nowhere: neither processed, nor waiting, nor told of. Always 0.
    Lost,
    /// Records that wait at the end.
    Waiting,
    /// Invocations.
    Invocations,
    /// Invocations that were throttled.
    Throttles,
    /// Invocations that failed.
    Errors,
    /// The greatest number of invocations at a time.
    Concurrency,
    /// All costs of the time simulated.
    Cost,
    /// The same for a day.
    CostPerDay,
    /// The same for 30 days.
    CostPerMonth,
    /// Costs for a million processed records.
    CostPerMillion,
    /// GB-seconds of the function.
    GbSeconds,
}

impl Metric {
    /// All figures.
    pub const ALL: [Self; 18] = [
        Self::P50,
        Self::P90,
        Self::P99,
        Self::MaxLatency,
        Self::Age,
        Self::Drops,
        Self::DeadLetters,
        Self::Lost,
        Self::Waiting,
        Self::Invocations,
        Self::Throttles,
        Self::Errors,
        Self::Concurrency,
        Self::Cost,
        Self::CostPerDay,
        Self::CostPerMonth,
        Self::CostPerMillion,
        Self::GbSeconds,
    ];
}
