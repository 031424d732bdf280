//! Load tests: the workload and the report of simulations, with real servers in real time.

mod arrivals;
mod ids;
mod observed;
mod open_loop;
mod plan;
mod run;
mod search;
mod steady;

pub use plan::{LoadPlan, LoadSource};
pub use run::{LoadProgress, LoadTest};
