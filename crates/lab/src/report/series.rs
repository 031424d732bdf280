//! Figures over time, for charts.

use serde::Serialize;

/// Figures over time, in steps of equal length.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Series {
    /// How long a step is, in milliseconds.
    pub step_ms: u64,
    /// Those of each mapping, in the order of the report.
    pub mappings: Vec<MappingSeries>,
}

/// What one mapping did in each step; all of one length.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct MappingSeries {
    /// Records that arrived.
    pub arrivals: Vec<u64>,
    /// Records that were processed.
    pub processed: Vec<u64>,
    /// Invocations that began.
    pub invocations: Vec<u64>,
    /// Invocations that failed.
    pub errors: Vec<u64>,
    /// Invocations that were throttled.
    pub throttles: Vec<u64>,
    /// The most invocations at a time.
    pub concurrency: Vec<u64>,
    /// Records that had arrived and were not settled, at the end of the step.
    pub backlog: Vec<u64>,
    /// The greatest age of the oldest record that was not settled, in milliseconds.
    pub age_ms: Vec<u64>,
}
