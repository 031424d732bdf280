//! What a load test is to do.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use lambda_esm_engine::ports::Producer;

use crate::scenario::{Expectation, Prices, Workload};

/// What a load test is to do.
#[derive(Clone, Debug)]
pub struct LoadPlan {
    /// What it is called in the report.
    pub name: String,
    /// What no other run is called: the beginning of the names of its records.
    pub run: String,
    /// Decides everything that is left to chance.
    pub seed: u64,
    /// Where records are put.
    pub sources: Vec<LoadSource>,
    /// How long records arrive before figures are taken.
    pub warm_up: Duration,
    /// How long figures are taken.
    pub duration: Duration,
    /// How long records may take at the end until all are processed.
    pub drain: Duration,
    /// What must hold.
    pub expectations: Vec<Expectation>,
    /// What things cost.
    pub prices: Prices,
}

impl LoadPlan {
    /// Returns how long records arrive in all.
    #[must_use]
    pub fn arrivals(&self) -> Duration {
        self.warm_up + self.duration
    }
}

/// A source of a load test.
#[derive(Clone)]
pub struct LoadSource {
    /// Its name.
    pub name: String,
    /// Its ARN, as mappings name it.
    pub arn: String,
    /// What puts records there; `None` if others do.
    pub producer: Option<Arc<dyn Producer>>,
    /// What arrives.
    pub workload: Workload,
}

impl fmt::Debug for LoadSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LoadSource")
            .field("name", &self.name)
            .field("arn", &self.arn)
            .field("produces", &self.producer.is_some())
            .finish_non_exhaustive()
    }
}
