//! What a function of the daemon was given, over several runs of the daemon.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use serde::Deserialize;

use crate::recording::Recording;

/// One invocation of `stream_record.py`.
#[derive(Clone, Debug, Deserialize)]
pub struct Delivery {
    /// Which run of the daemon.
    pub run: usize,
    /// The records.
    pub records: Vec<Delivered>,
    /// The start of the tumbling window.
    #[serde(default)]
    pub window: Option<String>,
    /// The shard, of a tumbling window.
    #[serde(default)]
    pub shard: Option<String>,
    /// The records of the window that were counted before.
    #[serde(default)]
    pub before: usize,
    /// Whether it is the window's last invocation.
    #[serde(default, rename = "final")]
    pub is_final: bool,
}

/// One record.
#[derive(Clone, Debug, Deserialize)]
pub struct Delivered {
    /// Its shard; `None` of a table's stream.
    pub shard: Option<String>,
    /// Its key.
    pub key: String,
    /// Its sequence number.
    pub sequence: String,
    /// The number that was put.
    pub value: usize,
}

/// All invocations, in the order of their ends.
#[derive(Debug)]
pub struct Deliveries(pub Vec<Delivery>);

/// What came more than once.
#[derive(Clone, Copy, Debug, Default)]
pub struct Repeated {
    /// How many records were delivered again, in all.
    pub records: usize,
    /// The most of one shard after one kill.
    pub most: usize,
}

impl Deliveries {
    /// Reads what was recorded so far.
    #[must_use]
    pub fn of(recording: &Recording) -> Self {
        Self(recording.lines())
    }

    /// Returns the numbers delivered, each once.
    #[must_use]
    pub fn values(&self) -> BTreeSet<usize> {
        let records = self.0.iter().flat_map(|delivery| &delivery.records);
        records.map(|record| record.value).collect()
    }

    /// Checks that the numbers of each key came first in ascending order.
    ///
    /// # Panics
    /// Panics if they did not.
    pub fn check_order(&self) {
        let (mut seen, mut last) = (HashSet::new(), HashMap::new());
        for record in self.0.iter().flat_map(|delivery| &delivery.records) {
            if !seen.insert(record.value) {
                continue;
            }
            let before = last.insert(&record.key, record.value);
            assert!(
                before.is_none_or(|before| before < record.value),
                "{record:?} came first after {before:?}"
            );
        }
    }

    /// Counts what was delivered again. No run repeats what it has delivered itself.
    ///
    /// # Panics
    /// Panics if one does.
    #[must_use]
    pub fn repeated(&self) -> Repeated {
        let mut runs = HashMap::new();
        let mut again: BTreeMap<(usize, Option<&str>), usize> = BTreeMap::new();
        for delivery in &self.0 {
            for record in &delivery.records {
                let run = delivery.run;
                if let Some(before) = runs.insert(record.value, run) {
                    assert!(before < run, "{record:?} came twice in run {run}");
                    *again.entry((run, record.shard.as_deref())).or_default() += 1;
                }
            }
        }
        Repeated {
            records: again.values().sum(),
            most: again.into_values().max().unwrap_or_default(),
        }
    }
}
