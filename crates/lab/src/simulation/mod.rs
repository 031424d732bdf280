//! Simulations: the engine of production, on paused time, over sources in memory.

mod assembly;
mod changes;
mod effort;
mod error;
mod run;

pub(crate) use assembly::roster;
pub use error::SimulationError;
pub use run::{Progress, simulate};
