//! Why a plan cannot be carried out.

use thiserror::Error;

/// A plan that makes no sense for its scenario.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{0}")]
pub struct PlanError(String);

impl PlanError {
    pub(super) fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }
}

/// Why there is no report of a sweep.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum SweepError {
    /// The plan makes no sense for the scenario.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// The scenario's own configuration cannot be simulated, or not with another seed.
    #[error("the scenario itself cannot be simulated: {0}")]
    Simulation(String),
}
