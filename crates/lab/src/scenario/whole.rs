//! A scenario as a whole.

use std::time::Duration;

use lambda_esm_core::Timestamp;
use lambda_esm_core::filter::Limits;
use lambda_esm_core::mapping::CreateEventSourceMapping;
use lambda_esm_core::pacing::Pacing;

use super::{Expectation, Function, Prices, Source, TimedChange};

/// All that a simulation needs to know. The same scenario and seed give the same report, byte for byte.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// What it is called in the report.
    pub name: String,
    /// Decides everything that is left to chance.
    pub seed: u64,
    /// What the clocks show at the beginning.
    pub begins: Timestamp,
    /// How long records arrive, and events happen.
    pub duration: Duration,
    /// How much longer it goes on at most, until all that arrived is settled.
    pub drain: Duration,
    /// The Region that ARNs are made for.
    pub region: String,
    /// The account that ARNs are made for.
    pub account_id: String,
    /// How closely poll rates and scaling follow the service.
    pub pacing: Pacing,
    /// Where records come from, each name once.
    pub sources: Vec<Source>,
    /// The functions that mappings name, each name once.
    pub functions: Vec<Function>,
    /// The mappings, as they would be created.
    pub mappings: Vec<MappingPlan>,
    /// What happens on the way, the earliest first.
    pub events: Vec<TimedChange>,
    /// What must hold at the end.
    pub expectations: Vec<Expectation>,
    /// What things cost.
    pub prices: Prices,
}

/// Returns how many filters the mappings of a scenario may have: ten, to which AWS raises the quota of five on request
/// (Lambda developer guide, "Control which events Lambda sends to your function").
#[must_use]
pub fn filter_limits() -> Limits {
    Limits::default().with_max_filters(10)
}

/// A mapping of a scenario.
#[derive(Clone, Debug)]
pub struct MappingPlan {
    /// What reports and events call it: `source -> function`, and a number behind it where that is there already.
    pub label: String,
    /// The place of its source in [`Scenario::sources`].
    pub source: usize,
    /// The place of its function in [`Scenario::functions`].
    pub function: usize,
    /// What it is created with.
    pub request: CreateEventSourceMapping,
}
