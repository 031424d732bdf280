//! What is to happen: sources and what arrives there, functions and how they behave, mappings, and events in time.

mod distribution;
mod events;
mod expectation;
mod function;
mod prices;
mod source;
mod traps;
mod workload;

pub use distribution::Distribution;
pub use events::{Change, FunctionChange, TimedChange};
pub use expectation::{Comparison, Expectation, Metric};
pub use function::{Function, OtherLoad};
pub use prices::Prices;
pub use source::{Source, SourceKind};
pub use workload::{Arrivals, Bodies, Body, Keys, RecordedArrival, Span, Workload};

pub use self::whole::{MappingPlan, Scenario, filter_limits};

mod whole;
