//! What one mapping did.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{Histogram, Summary};

/// What one mapping did.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct MappingReport {
    /// Its label; see [`MappingPlan`](crate::scenario::MappingPlan).
    pub label: String,
    /// The name of its source.
    pub source: String,
    /// The name of its function.
    pub function: String,
    /// Its settings, as the API echoes them.
    pub configuration: serde_json::Value,
    /// Where its records went.
    pub records: Records,
    /// Invocations that reached the function, whatever came of them.
    pub invocations: u64,
    /// Invocations of batches, or what is left of them, that had been sent before.
    pub retries: u64,
    /// Batches that were split in two.
    pub bisects: u64,
    /// Invocations whose response named failed records.
    pub partial_failures: u64,
    /// Invocations that failed, timeouts included.
    pub errors: u64,
    /// Invocations that took longer than the function may.
    pub timeouts: u64,
    /// Invocations that were throttled.
    pub throttles: u64,
    /// How many invocations had so many records.
    pub batch_sizes: Histogram,
    /// How many batches were closed for which reason.
    pub batch_reasons: BTreeMap<String, u64>,
    /// From a record's arrival until the function has processed it, for the records that it processed.
    pub latency: Summary,
    /// The age of the oldest record that is not settled, looked at once a second: of a stream its iterator age, of a
    /// queue the age of its oldest message.
    pub age: Summary,
    /// Invocations at a time, over the time that there was any work.
    pub mean_concurrency: f64,
    /// The most invocations at a time.
    pub max_concurrency: u64,
    /// How many decisions of each kind it made.
    pub decisions: BTreeMap<String, u64>,
}

/// Where records went. What arrived is the sum of all that are no [`repeats`](Self::repeats).
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Records {
    /// How many arrived.
    pub arrived: u64,
    /// The function has processed them.
    pub processed: u64,
    /// They matched no filter.
    pub filtered: u64,
    /// They were given up, by reason, and nobody was told.
    pub dropped: BTreeMap<String, u64>,
    /// They were given up, by reason, and went to the on-failure destination or the dead-letter queue.
    pub dead_lettered: BTreeMap<String, u64>,
    /// They waited at the end, or were under way.
    pub waiting: u64,
    /// They are nowhere: always 0.
    pub lost: u64,
    /// Records that were processed more than once, beyond the first time.
    pub repeats: u64,
}

impl Records {
    /// Returns how many have come to an end, whatever end.
    #[must_use]
    pub fn taken(&self) -> u64 {
        let given_up = self.dropped.values().chain(self.dead_lettered.values());
        self.processed + self.filtered + given_up.sum::<u64>()
    }
}
