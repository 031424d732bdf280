//! What happens becomes figures: decisions, invocations and arrivals, of a simulation or of a test with real servers.

mod bars;
mod books;
mod deciding;
mod desk;
mod durations;
mod fates;
mod figures;
mod identity;
mod invocation;
mod invoking;
mod note;
mod observed;
mod recording;
mod roster;
mod steps;
mod verdict;

pub use identity::{Identity, NamedRecord, RecordId, SourceType};
pub use observed::Observed;
pub use recording::{Recorded, Recorder};
pub use roster::{MappingSpec, Roster, SourceSpec};

pub(crate) use durations::Durations;
pub(crate) use identity::{count_records, find_records, kind_of};
