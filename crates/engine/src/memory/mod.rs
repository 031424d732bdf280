//! In-memory sources and destinations, for embedders, simulations and tests. They keep to the rules of the
//! services they stand for: time comes from the engine's clock, and nothing happens in tasks of their own.

mod destination;
mod log;
mod push_queue;
mod queue;
mod secrets;
mod share_group;
mod storage;
mod store;
mod stream;
mod topic;
mod waiting;

pub use destination::MemoryDestination;
pub use push_queue::{MemoryPushQueue, MemoryPushQueueOptions, PushQueueCall};
pub use queue::{MemoryQueue, MemoryQueueOptions, Redrive, SendMessage};
pub use secrets::MemorySecrets;
pub use share_group::{
    MemoryShareGroup, MemoryShareGroupOptions, MemoryShareMember, ShareGroupCounts,
};
pub use store::MemoryStore;
pub use stream::{MemoryStream, MemoryStreamOptions, Placed, StreamCall, StreamKind};
pub use topic::{GroupMember, MemoryTopic, MemoryTopicOptions, NewRecord, Tombstones, TopicCall};
