//! Kafka topics: partitions that a consumer group shares among its members.

mod beginning;
#[cfg_attr(not(test), expect(dead_code, reason = "for the machine"))]
mod filter;
mod port;

pub use beginning::{Beginning, beginning};
pub use port::{
    Assignment, GroupEvent, JoinRequest, OwnedPartition, PartitionOffset, TopicFetch, TopicPage,
    Watermarks,
};
