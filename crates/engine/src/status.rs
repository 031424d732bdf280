//! What an engine shows of its mappings.

use lambda_esm_core::activity::Activity;
use lambda_esm_core::fault::{ReasonCode, SourceError};
use lambda_esm_core::lifecycle::{LastProcessingResult, Lifecycle, State};
use serde::Serialize;
use tokio::sync::watch;
use uuid::Uuid;

use crate::mapping_metrics::Counts;

/// How far a mapping has come; shared by registry, supervisor and driver.
#[derive(Clone, Debug)]
pub(crate) struct Progress {
    /// Set out by the registry, and brought to its end by the supervisor.
    pub(crate) lifecycle: Lifecycle,
    pub(crate) last_result: Option<LastProcessingResult>,
    pub(crate) activity: Activity,
    /// What had happened when `activity` was looked at.
    pub(crate) counts: Counts,
    /// Why polling could not begin, while that is so.
    pub(crate) start_problem: Option<SourceError>,
}

impl Progress {
    /// Returns the progress of a mapping that has done nothing yet.
    pub(crate) fn new(lifecycle: Lifecycle) -> Self {
        Self {
            lifecycle,
            last_result: None,
            activity: Activity::default(),
            counts: Counts::default(),
            start_problem: None,
        }
    }

    /// Returns why the source cannot be read, while that is so.
    pub(crate) fn source_problem(&self) -> Option<&String> {
        let begun = self.activity.source_problem.as_ref();
        let to_begin = self.start_problem.as_ref().map(|error| &error.message);
        to_begin.or(begun)
    }

    /// Returns what `StateTransitionReason` tells of that; `None` for nothing.
    pub(crate) fn source_reason(&self) -> Option<ReasonCode> {
        match &self.start_problem {
            Some(error) => error.reason,
            None => self.activity.source_reason,
        }
    }
}

/// A mapping at one moment.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct MappingStatus {
    /// The mapping.
    pub uuid: Uuid,
    /// Its source: an ARN, or bootstrap servers.
    pub source: String,
    /// Its function, by name.
    pub function: String,
    /// Its state.
    pub state: State,
    /// What the last batch came to.
    pub last_processing_result: LastProcessingResult,
    /// What is wrong with the source or the function now, in words.
    pub problem: Option<String>,
    /// What is in flight.
    pub activity: Activity,
    /// What happened so far.
    pub counts: Counts,
}

/// Tells when a mapping's status may have changed; see [`Engine::watch`](crate::Engine::watch).
#[derive(Debug)]
pub struct StatusWatch(pub(crate) watch::Receiver<Progress>);

impl StatusWatch {
    /// Waits for the next change, and returns whether there may be more: not once the mapping is gone.
    /// Changes that come in quick succession count as one. Cancel safe.
    pub async fn changed(&mut self) -> bool {
        self.0.changed().await.is_ok()
    }
}
