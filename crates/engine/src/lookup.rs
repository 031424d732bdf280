//! Why the source or the destination of a mapping cannot be had.

use lambda_esm_core::fault::{SourceError, SourceErrorKind};
use lambda_esm_core::mapping::ApiError;

/// Why the source or the destination of a mapping cannot be had.
#[derive(Debug)]
pub(crate) enum LookupError {
    /// Its provider says why.
    Provider(SourceError),
    /// No provider serves it.
    Unserved {
        problem: String,
        /// What those can do about it who operate the engine.
        way_out: String,
    },
}

impl LookupError {
    /// Returns the refusal of a mapping whose `field` names the source or destination. The way out is its hint, since
    /// clients can do nothing about it.
    pub(crate) fn refusal(self, field: &'static str) -> ApiError {
        match self {
            Self::Provider(error) => ApiError::invalid(field, error.message),
            Self::Unserved { problem, way_out } => ApiError::invalid(field, problem).hint(way_out),
        }
    }

    /// Tells whether what was looked up is not there, rather than out of reach.
    pub(crate) fn is_absence(&self) -> bool {
        match self {
            Self::Provider(error) => error.kind == SourceErrorKind::NotFound,
            Self::Unserved { .. } => true,
        }
    }

    /// Tells whether it may be had later, when who is asked can be reached, or lets the mapping in.
    pub(crate) fn may_pass(&self) -> bool {
        use SourceErrorKind::{Denied, Throttled, Transient};
        match self {
            Self::Provider(error) => matches!(error.kind, Denied | Throttled | Transient),
            Self::Unserved { .. } => false,
        }
    }

    /// Returns what those can do about it who operate the engine.
    pub(crate) fn hint(self) -> String {
        match self {
            Self::Provider(error) => error.message,
            Self::Unserved { problem, way_out } => format!("{problem}: {way_out}"),
        }
    }
}

impl From<SourceError> for LookupError {
    fn from(error: SourceError) -> Self {
        Self::Provider(error)
    }
}

/// What a mapping shows as its problem. The way out is told in the log: clients could do nothing about it.
impl From<LookupError> for SourceError {
    fn from(error: LookupError) -> Self {
        match error {
            LookupError::Provider(error) => error,
            LookupError::Unserved { problem, way_out } => {
                tracing::warn!("{problem}: {way_out}");
                Self::new(SourceErrorKind::Fatal, problem)
            }
        }
    }
}
