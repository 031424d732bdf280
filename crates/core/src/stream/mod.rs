//! Ordered sources: Kinesis and DynamoDB Streams.
//!
//! The way of a record: its shard is found (`pages`, `listing`, `lineage`) and read when its turn comes (`seats`,
//! `reading`, `failing`); the record is filtered and gathered in the lane of its key (`accepting`); the lane's batch
//! goes to the function (`working`), which processes it, or fails so that it is split, sent again or given up
//! (`answering`); what is given up is told to the on-failure destination (`discarding`); and how far the shard is
//! settled is made durable (`ledger`, `committing`) before the lane's next batch begins.

mod accepting;
mod action;
mod answering;
mod checkpoint;
mod clock;
mod committing;
mod config;
mod discarding;
mod failing;
mod gone;
mod lane;
mod ledger;
mod lineage;
mod listing;
mod machine;
mod pace;
mod pages;
mod port;
mod reading;
mod seats;
mod shard;
mod tally;
mod window;
mod working;

pub use action::{Action, CallId, Input};
pub use checkpoint::{Checkpoint, KeptWindow, Place, compare_sequences};
pub use config::{READ_AHEAD_BYTES, StreamConfig, StreamEncoder, Surroundings};
pub use machine::{KeptCheckpoint, KeptCheckpoints, StreamMachine};
pub use pages::{MOST_SHARDS, Pages};
pub use port::{Cursor, FetchRequest, Listing, Page, Shard, ShardId, Start, StreamFacts};
pub use seats::SHARDS_AT_ONCE;
pub use window::MAX_STATE_BYTES;
