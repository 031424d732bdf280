//! What an event source mapping will do, before it costs anything: simulations in virtual time, load tests in real
//! time, sweeps over many configurations, and the import of templates.
//!
//! A simulation runs the engine that production runs, on paused time, over the sources in memory.

mod arrivals;
mod function;
mod simulation;
mod world;

pub mod import;
pub mod load;
pub mod recorder;
pub mod recording;
pub mod report;
pub mod scenario;
pub mod sweep;

pub use simulation::{Progress, SimulationError, simulate};
