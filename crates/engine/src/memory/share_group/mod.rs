//! A topic in memory that a share group makes a queue.

mod group;
mod member;
mod options;
mod shared;
mod state;

pub use group::{MemoryShareGroup, ShareGroupCounts};
pub use member::MemoryShareMember;
pub use options::MemoryShareGroupOptions;
