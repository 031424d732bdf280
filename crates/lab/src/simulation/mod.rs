//! Simulations: the engine of production, on paused time, over sources in memory.

mod assembly;
mod changes;
mod error;
mod run;

pub use error::SimulationError;
pub use run::{Progress, simulate};
