//! An in-memory topic that behaves as Kafka's do, with the consumer groups that read it.

mod balance;
mod consumer;
mod faults;
mod group;
mod log;
mod options;
pub(super) mod partitioner;
mod record;
mod shared;
mod source;

pub use faults::TopicCall;
pub use group::GroupMember;
pub use log::Tombstones;
pub use options::MemoryTopicOptions;
pub use record::NewRecord;
pub use source::MemoryTopic;
