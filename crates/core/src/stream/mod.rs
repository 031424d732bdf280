//! Ordered sources: Kinesis and DynamoDB Streams.

mod action;
mod checkpoint;
mod config;
mod port;

pub use action::{Action, CallId, Input};
pub use checkpoint::{Checkpoint, KeptWindow, Place, compare_sequences};
pub use config::{StreamConfig, StreamEncoder};
pub use port::{FetchRequest, Listing, Page, Position, Shard, ShardId, StartAt, StreamFacts};
