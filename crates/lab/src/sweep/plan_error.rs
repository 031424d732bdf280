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
