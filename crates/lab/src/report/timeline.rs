//! Batches one by one, as far as a page can show them.

use serde::Serialize;

/// The batches of one mapping, those of the first moments and those around failures first.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Timeline {
    /// The mapping's label.
    pub mapping: String,
    /// Shards, partitions or message groups; of a queue without groups, as many as there are batches at a time.
    pub lanes: Vec<Lane>,
    /// The batches, in the order they were closed.
    pub batches: Vec<BatchBar>,
    /// How many batches are left out.
    pub omitted: u64,
}

/// A lane of a timeline.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Lane {
    /// What it is called.
    pub name: String,
}

/// One batch: from when its last record was taken until it was settled.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct BatchBar {
    /// Its number within the mapping.
    pub id: u64,
    /// The batch that it was split from, or is the rest of.
    pub parent: Option<u64>,
    /// The place of its lane.
    pub lane: usize,
    /// When it was closed, in milliseconds from the beginning.
    pub closed_ms: u64,
    /// Why.
    pub reason: String,
    /// Its records.
    pub records: u64,
    /// The size of its event.
    pub bytes: u64,
    /// Its tries.
    pub attempts: Vec<Attempt>,
    /// What was decided about it.
    pub log: Vec<LogLine>,
}

/// A try of a batch, in milliseconds from the beginning.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Attempt {
    /// When the function was called.
    pub began_ms: u64,
    /// When it answered.
    pub ended_ms: u64,
    /// What came of it.
    pub outcome: Outcome,
}

/// What came of a try.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// All records were processed.
    Processed,
    /// The function named failed records.
    PartlyProcessed,
    /// The function failed, or took too long.
    Failed,
    /// It was throttled, or not reached.
    NotReached,
    /// It was under way at the end.
    Open,
}

/// A decision, in words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LogLine {
    /// When, in milliseconds from the beginning.
    pub at_ms: u64,
    /// What was decided, and why.
    pub text: String,
}
