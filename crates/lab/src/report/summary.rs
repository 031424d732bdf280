//! Figures of many values.

use std::collections::BTreeMap;

use serde::Serialize;

/// What many durations were like, in milliseconds; all zero where there was none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Summary {
    /// How many.
    pub count: u64,
    /// The shortest.
    pub min: f64,
    /// The mean.
    pub mean: f64,
    /// Half are at most so long.
    pub p50: f64,
    /// 90 in 100 are at most so long.
    pub p90: f64,
    /// 99 in 100 are at most so long.
    pub p99: f64,
    /// The longest.
    pub max: f64,
}

/// How often each value came.
pub type Histogram = BTreeMap<u64, u64>;
