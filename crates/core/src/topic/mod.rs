//! Kafka topics: partitions that a consumer group shares among its members.

mod beginning;
mod port;

pub use beginning::{Beginning, beginning};
pub use port::{
    Assignment, GroupEvent, JoinRequest, OwnedPartition, PartitionOffset, TopicFetch, TopicPage,
    Watermarks,
};
