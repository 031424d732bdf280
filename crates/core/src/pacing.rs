//! How closely poll rates and scaling follow the service.

use std::fmt;
use std::str::FromStr;

/// A choice between the service's documented pace and the fastest one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Pacing {
    /// As fast as the source allows, easing off when idle.
    #[default]
    Eager,
    /// The documented poll rates and scaling curves.
    Aws,
}

impl FromStr for Pacing {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "eager" => Ok(Self::Eager),
            "aws" => Ok(Self::Aws),
            other => Err(format!(
                "pacing {other:?} is unknown; use \"eager\" or \"aws\""
            )),
        }
    }
}

impl fmt::Display for Pacing {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Eager => "eager",
            Self::Aws => "aws",
        })
    }
}
