//! Load tests: the workload and the report of simulations, with real servers in real time.

mod calls;
mod find_max;
mod identity;
mod keys;
mod open_loop;
mod phase;
mod plan;
mod report;
mod scale;
mod search;
mod steady;
mod test;

pub use find_max::Highest;
pub use open_loop::Wish;
pub use plan::LoadPlan;
pub use test::{LoadProgress, LoadTest};
