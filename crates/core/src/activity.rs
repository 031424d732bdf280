//! What a mapping is busy with.

use crate::fault::ReasonCode;

/// A view of a machine at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct Activity {
    /// How many batches the mapping allows itself at a time.
    pub concurrency: usize,
    /// Batches under way: with the function, backing off, or being settled.
    pub running: usize,
    /// Closed batches that wait for their turn.
    pub waiting: usize,
    /// Of a queue, messages in the open batch; of a stream, records that were read and are not settled.
    pub gathering: usize,
    /// Reads of the source under way.
    pub receives: usize,
    /// When the next back-off ends, in milliseconds since the epoch.
    pub backing_off_until: Option<i64>,
    /// Of a stream, the age in milliseconds of the last record of the batch that a shard sent last: that of
    /// the shard where it is the greatest, among those with records that are not settled.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub iterator_age_ms: Option<u64>,
    /// Of a topic, how many records of a partition are not committed, of the one where that is most; `None` while it is not
    /// known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_offset_lag: Option<u64>,
    /// Of a topic, how many records of all partitions are not committed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sum_offset_lag: Option<u64>,
    /// Why the source cannot be read, while that is so.
    pub source_problem: Option<String>,
    /// What the mapping's `StateTransitionReason` tells of that; `None` for nothing.
    #[serde(skip)]
    pub source_reason: Option<ReasonCode>,
    /// What the source no longer holds, of a source whose mapping ends with that: nothing is read any more, and the mapping
    /// is to be disabled with this text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub halted: Option<String>,
    /// Why the last batch failed, until one succeeds; or why positions cannot be kept.
    pub function_problem: Option<String>,
}
