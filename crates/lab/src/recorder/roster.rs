//! Who takes part: sources, functions and mappings, by their places.

use std::collections::BTreeMap;
use std::sync::{PoisonError, RwLock};
use std::time::Duration;

use uuid::Uuid;

use super::identity::SourceType;

/// A source, as far as the recorder has to know it.
#[derive(Clone, Debug)]
pub struct SourceSpec {
    /// What it is.
    pub kind: SourceType,
    /// Kafka's topic; empty otherwise.
    pub topic: String,
    /// How long records stay, of a stream.
    pub retention: Option<Duration>,
}

/// A mapping, as far as the recorder has to know it.
#[derive(Clone, Debug)]
pub struct MappingSpec {
    /// Its label.
    pub label: String,
    /// The place of its source.
    pub source: usize,
    /// The place of its function.
    pub function: usize,
    /// Whether the function may report failed records: `ReportBatchItemFailures`.
    pub reports_failures: bool,
}

/// Which mapping is which.
#[derive(Debug)]
pub struct Roster {
    /// The sources.
    pub sources: Vec<SourceSpec>,
    mappings: RwLock<Vec<MappingSpec>>,
    uuids: RwLock<BTreeMap<Uuid, usize>>,
}

impl Roster {
    /// Returns the roster of these.
    #[must_use]
    pub const fn new(sources: Vec<SourceSpec>, mappings: Vec<MappingSpec>) -> Self {
        Self {
            sources,
            mappings: RwLock::new(mappings),
            uuids: RwLock::new(BTreeMap::new()),
        }
    }

    /// Says which mapping has a UUID.
    pub fn assign(&self, uuid: Uuid, mapping: usize) {
        let mut uuids = self.uuids.write().unwrap_or_else(PoisonError::into_inner);
        uuids.insert(uuid, mapping);
    }

    /// Says whether the function of a mapping may report failed records from now on.
    pub fn set_reports_failures(&self, mapping: usize, reports: bool) {
        let mut mappings = self
            .mappings
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(spec) = mappings.get_mut(mapping) {
            spec.reports_failures = reports;
        }
    }

    /// Returns the place of a mapping.
    #[must_use]
    pub fn place(&self, uuid: Uuid) -> Option<usize> {
        let uuids = self.uuids.read().unwrap_or_else(PoisonError::into_inner);
        uuids.get(&uuid).copied()
    }

    /// Returns all mappings.
    #[must_use]
    pub fn mappings(&self) -> Vec<MappingSpec> {
        let mappings = self.mappings.read().unwrap_or_else(PoisonError::into_inner);
        mappings.clone()
    }

    /// Runs `look` on a mapping.
    pub(crate) fn with<T>(
        &self,
        mapping: usize,
        look: impl FnOnce(&MappingSpec) -> T,
    ) -> Option<T> {
        let mappings = self.mappings.read().unwrap_or_else(PoisonError::into_inner);
        mappings.get(mapping).map(look)
    }
}
