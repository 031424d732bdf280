//! The sources of a scenario, in memory. Records are put into them when somebody looks, with the time of their arrival.

mod intake;
mod names;
mod push_queue;
mod queue;
mod reshard;
mod shard_time;
mod source;
mod stream;
mod topic;

pub(crate) use intake::Intake;
pub(crate) use names::Names;
pub(crate) use source::SourceInMemory;
