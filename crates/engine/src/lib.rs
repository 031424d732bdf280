//! Runs event source mappings.
//!
//! One driver task per mapping feeds one machine of `lambda-esm-core`: it carries out the machine's
//! actions through the [ports], and reports back what happened. Nobody else loops, sleeps or retries.

mod builder;
mod driver;
mod engine;
mod events;
mod metrics;
mod status;
mod supervisor;

pub mod clock;
#[cfg(feature = "contract")]
pub mod contract;
pub mod functions;
pub mod memory;
pub mod ports;
pub mod simulated;

pub use builder::EngineBuilder;
pub use clock::Clock;
pub use engine::{Engine, EngineOptions};
pub use events::Event;
pub use metrics::{Counts, Metrics};
pub use status::{MappingStatus, StatusWatch};
