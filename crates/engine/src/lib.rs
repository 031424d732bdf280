//! Runs event source mappings.
//!
//! One driver task per mapping feeds one machine of `lambda-esm-core`: it carries out the machine's
//! actions through the [ports], and reports back what happened. Nobody else loops, sleeps or retries.

mod arc_ports;
mod builder;
mod changes;
mod compiling;
mod driver;
mod engine;
mod events;
mod fresh;
mod fresh_facts;
mod function_concurrency;
mod lookup;
mod mapping_metrics;
mod metrics;
mod options;
mod panic_isolation;
mod polling;
mod producer;
mod push_queue_source;
mod registered;
mod registry;
mod reporter;
mod restart;
mod shared;
mod skip_unknown;
mod status;
mod stored;
mod supervisor;
mod topic_source;

pub mod aws_identity;
pub mod clock;
#[cfg(feature = "contract")]
pub mod contract;
pub mod credentials;
pub mod functions;
pub mod memory;
pub mod patience;
pub mod ports;
pub mod secrets;
pub mod simulated;
pub mod slots;
pub mod store;

pub use builder::EngineBuilder;
pub use clock::Clock;
pub use engine::Engine;
pub use events::{Event, Events, Heard};
pub use mapping_metrics::Counts;
pub use metrics::Metrics;
pub use options::EngineOptions;
pub use restart::{StartError, Started};
pub use status::{MappingStatus, StatusWatch};
