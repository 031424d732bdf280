//! Kafka topics: partitions that a consumer group shares among its members.
//!
//! The way of a record: its partition is assigned by the group (`group`) and read ahead into a buffer (`reading`); when
//! nothing of the partition is under way, its records are drawn into the batch of a lane (`drawing`), together with
//! those of other partitions, and go the way of every stream's batch ([`lane`](super::lane)). What is settled is
//! committed to the group (`commits`), and only then the partition's next records are drawn. How many lanes there are,
//! the pollers decide (`scaling`), who look at the offset lag (`offset_lag`).
//!
//! So the records of a partition keep their order, at most one batch of each is repeated when it moves to another
//! member, and a quiet topic takes few invocations: a batch holds what there is of all partitions.

mod action;
mod beginning;
mod commits;
mod committing;
mod config;
mod drawing;
pub(crate) mod filter;
mod group;
mod invoking;
mod machine;
mod measuring;
mod offset_lag;
mod partition;
mod port;
mod reading;
mod scaling;
mod settled_offsets;
mod status;
mod topic_lane;

pub use action::{Action, Input};
pub use beginning::{Beginning, beginning};
pub use config::{Pollers, TopicConfig};
pub use machine::TopicMachine;
pub use port::{
    Assignment, GroupEvent, JoinRequest, OwnedPartition, PartitionOffset, TopicFetch, TopicPage,
    Watermarks,
};
