//! What a load test is to do.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use lambda_esm_engine::ports::Producer;

use crate::scenario::Scenario;

/// What a load test is to do.
#[derive(Clone)]
pub struct LoadPlan {
    /// Sources and what arrives there, mappings, expectations and prices. Functions are the real ones; of those here their
    /// names and memory count. Records arrive for its duration, of which the [warm-up](Self::warm_up) is the first part.
    pub scenario: Scenario,
    /// What no other run is called: the beginning of the names of its records.
    pub run: String,
    /// By source, what puts records there; `None` where others do.
    pub producers: Vec<Option<Arc<dyn Producer>>>,
    /// How long records arrive before figures are taken.
    pub warm_up: Duration,
}

impl fmt::Debug for LoadPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LoadPlan")
            .field("scenario", &self.scenario)
            .field("run", &self.run)
            .field("warm_up", &self.warm_up)
            .finish_non_exhaustive()
    }
}
