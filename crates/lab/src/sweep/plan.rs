//! What a sweep is asked: which configurations, and which of them is best.

use serde::Serialize;
use serde_json::Value;

use super::{MemoryEffect, Parameter};
use crate::scenario::{Expectation, Metric};

/// The most combinations and variants of a sweep.
pub const MOST_CONFIGURATIONS: usize = 10_000;

/// What a sweep is asked.
#[derive(Clone, Debug)]
pub struct SweepPlan {
    /// Parameters and their values: each combination is a configuration, the last axis changing fastest.
    pub axes: Vec<Axis>,
    /// Further configurations, beside the grid.
    pub variants: Vec<Variant>,
    /// What is best.
    pub objective: Objective,
    /// What a configuration must fulfil to be recommended.
    pub constraints: Vec<Expectation>,
    /// What memory does to the duration of functions; needed where memory is swept.
    pub memory: Vec<FunctionMemory>,
}

/// A parameter and the values that are tried.
#[derive(Clone, Debug, PartialEq)]
pub struct Axis {
    /// The parameter.
    pub parameter: Parameter,
    /// Its values; `null` takes the setting away.
    pub values: Vec<Value>,
}

/// A configuration with a name.
#[derive(Clone, Debug, PartialEq)]
pub struct Variant {
    /// What it is called.
    pub name: String,
    /// What of the scenario is otherwise.
    pub settings: Vec<(Parameter, Value)>,
}

/// What memory does to the duration of a function.
#[derive(Clone, Debug, PartialEq)]
pub struct FunctionMemory {
    /// The function by its name; `None` for all.
    pub function: Option<String>,
    /// What it does.
    pub effect: MemoryEffect,
}

/// What is best.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Objective {
    /// The figure that counts.
    pub metric: Metric,
    /// Whether more of it is better.
    pub descending: bool,
}

impl Objective {
    /// The least cost.
    pub const CHEAPEST: Self = Self::least(Metric::Cost);
    /// The lowest 99th percentile of the latency.
    pub const FASTEST: Self = Self::least(Metric::P99);

    /// The least of a figure.
    #[must_use]
    pub const fn least(metric: Metric) -> Self {
        Self {
            metric,
            descending: false,
        }
    }

    /// Returns a figure so that less is better.
    pub(super) fn effort(self, figure: f64) -> f64 {
        match self.descending {
            _ if figure.is_nan() => f64::INFINITY,
            true => -figure,
            false => figure,
        }
    }
}
