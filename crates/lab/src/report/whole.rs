//! A report as a whole.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{MappingReport, Series, Summary, Timeline};
use crate::scenario::Expectation;

/// What came of a simulation or a load test. Times are milliseconds from its beginning, money is US dollars.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Report {
    /// What the scenario is called.
    pub name: String,
    /// How it came about.
    pub mode: Mode,
    /// What the clocks showed at the beginning, in milliseconds since the Unix epoch.
    pub begins_ms: i64,
    /// How long records arrived.
    pub arrivals_ms: u64,
    /// How long it went on in all.
    pub ran_ms: u64,
    /// Does it keep up, how late, what does it cost, what is lost: in words, in this order.
    pub answers: Vec<Answer>,
    /// What had to hold.
    pub expectations: Vec<ExpectationReport>,
    /// What each mapping did.
    pub mappings: Vec<MappingReport>,
    /// What each function did.
    pub functions: Vec<FunctionReport>,
    /// What each source was asked for.
    pub sources: Vec<SourceReport>,
    /// What it cost, line by line: functions and sources, without what producers pay.
    pub costs: Vec<CostLine>,
    /// The sum of that.
    pub cost: f64,
    /// Figures over time.
    pub series: Series,
    /// Batches one by one.
    pub timelines: Vec<Timeline>,
    /// What a reader should know: assumptions of the model, what was left out.
    pub notes: Vec<String>,
}

/// How a report came about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// In virtual time, with this seed.
    Simulated {
        /// See [`Scenario::seed`](crate::scenario::Scenario::seed).
        seed: u64,
    },
    /// With real servers in real time.
    Measured,
}

/// One of the four answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Answer {
    /// `keeps_up`, `latency`, `cost` or `losses`.
    pub about: &'static str,
    /// The question.
    pub question: &'static str,
    /// The answer, in a sentence or two.
    pub answer: String,
    /// Whether that is good news.
    pub good: bool,
}

/// An expectation, and what was seen.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ExpectationReport {
    /// What was expected.
    #[serde(flatten)]
    pub expectation: Expectation,
    /// The figure.
    pub seen: f64,
    /// Whether it holds.
    pub holds: bool,
}

/// What a function did, for all mappings together.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct FunctionReport {
    /// Its name.
    pub name: String,
    /// Its memory in MB.
    pub memory_mb: u32,
    /// Invocations that ran.
    pub invocations: u64,
    /// Those among them that began an environment.
    pub cold_starts: u64,
    /// Invocations that were throttled: those of mappings.
    pub throttles: u64,
    /// Those of its other load.
    pub other_throttles: u64,
    /// How long invocations took.
    pub duration: Summary,
    /// The most at a time, its other load included.
    pub max_concurrency: u64,
    /// GB-seconds, without those of its other load.
    pub gb_seconds: f64,
}

/// What was asked of a source.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct SourceReport {
    /// Its name.
    pub name: String,
    /// Its ARN.
    pub arn: String,
    /// What it is: `sqs`, `kinesis` and so on.
    pub kind: &'static str,
    /// Records that arrived.
    pub arrived: u64,
    /// Bytes of their payloads.
    pub bytes: u64,
    /// Calls, by name: `receive`, `delete` and so on.
    pub calls: BTreeMap<String, u64>,
    /// Calls that found nothing.
    pub empty_reads: u64,
    /// How long calls took that do not wait for records, where they were measured: deletions and changes of visibility of
    /// queues, fetches of streams. A scenario's `call_time` can be told from it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub call_time: Option<Summary>,
    /// Shards times hours, of Kinesis.
    pub shard_hours: f64,
    /// The same for each consumer with enhanced fan-out, of all of them together.
    pub consumer_shard_hours: f64,
}

/// A line of the bill.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CostLine {
    /// For what: the function, the source.
    pub of: String,
    /// What is counted: `GB-seconds`, `requests`.
    pub unit: String,
    /// How many.
    pub quantity: f64,
    /// In US dollars.
    pub cost: f64,
}
