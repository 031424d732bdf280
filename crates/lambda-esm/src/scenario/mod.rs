//! The scenario file: what `simulate` and `sweep` run, and `load` takes its workload from.
//!
//! It is read as the configuration is, with all problems at once; mappings are spelled as in the Lambda API.

mod arrivals;
mod events;
mod expect;
mod file;
mod functions;
mod prices;
mod samples;
mod sources;
mod sweep;
mod trace;
mod units;

pub(crate) use expect::bound;
pub(crate) use file::{ScenarioFile, name_of};
pub(crate) use sweep::rank;
