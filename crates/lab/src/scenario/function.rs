//! Functions of a scenario.

use std::time::Duration;

use super::{Distribution, Span};

/// How a function behaves.
#[derive(Clone, Debug)]
pub struct Function {
    /// Its name.
    pub name: String,
    /// Its memory in MB, 128 to 10,240: what its time costs.
    pub memory_mb: u32,
    /// How long it may run, 1 s to 15 min.
    pub timeout: Duration,
    /// How long an invocation takes, in seconds.
    pub duration: Distribution,
    /// How much longer it takes for each record, in seconds.
    pub per_record: Distribution,
    /// How much longer the first invocation of an environment takes, in seconds.
    pub cold_start: Distribution,
    /// How long an environment stays without an invocation. The service says no time; some minutes are seen.
    pub environment_lifetime: Duration,
    /// The share of invocations that fail whole, `0.0..=1.0`.
    pub error_rate: f64,
    /// The share of invocations that are throttled, `0.0..=1.0`.
    pub throttle_rate: f64,
    /// The share of records with which an invocation fails, anew at each try. Where the mapping has
    /// `ReportBatchItemFailures`, the function reports them; otherwise the whole invocation fails.
    pub record_error_rate: f64,
    /// The share of records that fail so whenever they come.
    pub poison_rate: f64,
    /// Its reserved concurrency: more is throttled.
    pub reserved_concurrency: Option<u32>,
    /// What others take of its concurrency.
    pub other_load: Vec<OtherLoad>,
}

/// Invocations of others, which need the function's concurrency too.
#[derive(Clone, Debug)]
pub struct OtherLoad {
    /// Invocations per second.
    pub rate: f64,
    /// When.
    pub span: Span,
}
