//! Why a scenario cannot be simulated.

use std::fmt;
use std::io;

use lambda_esm_core::mapping::ApiError;

/// Why a scenario cannot be simulated.
#[derive(Debug)]
#[non_exhaustive]
pub enum SimulationError {
    /// No runtime could be had.
    Runtime(io::Error),
    /// A mapping is refused, as the API would refuse it.
    #[non_exhaustive]
    Mapping {
        /// Its label.
        label: String,
        /// Why.
        error: ApiError,
    },
}

impl fmt::Display for SimulationError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Runtime(error) => write!(out, "no runtime: {error}"),
            Self::Mapping { label, error } => write!(out, "mapping {label}: {error}"),
        }
    }
}

impl std::error::Error for SimulationError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Runtime(error) => Some(error),
            Self::Mapping { error, .. } => Some(error),
        }
    }
}
