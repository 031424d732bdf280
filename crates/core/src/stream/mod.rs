//! Ordered sources: Kinesis and DynamoDB Streams.
//!
//! The way of a record: its shard is found (`shard_discovery`) and read when its turn comes (`polling_slots`, `reader`);
//! what no filter lets pass is settled at once (`filter`), and the rest gathered in the lane of its key
//! (`parallelization`); the lane's batch (`lane/batching_window`, `tumbling_window`) goes to the function
//! (`lane/invocation`), which processes it, all or in part (`lane/partial_batch_response`), or fails so that it is split
//! (`lane/bisect`), sent again (`lane/retry`, `lane/throttling`) or given up, as what is too old is (`lane/record_age`); what is given up
//! is told to the on-failure destination (`on_failure_destination`); and how far the shard is settled is made durable
//! (`checkpoint`) before the lane's next batch begins.
//!
//! State has owners, with private fields: `reader`, `lane`, `on_failure_destination`, `checkpoint/settled_prefix` and
//! `checkpoint/commits` know nothing of each other; `shard` wires them, and `machine` the shards.

mod action;
mod checkpoint;
pub(crate) mod config;
mod context;
pub(crate) mod data_filter;
mod deaggregation;
mod encoder;
mod filter;
mod item;
mod iterator_age;
mod lane;
mod machine;
mod on_failure_destination;
mod ownership;
mod parallelization;
mod polling_slots;
mod port;
mod reader;
mod shard;
mod shard_discovery;
mod shard_key;
mod source_clock;
mod totals;
mod tumbling_window;

pub mod push_queue;
pub mod topic;

pub use action::{Action, CallId, Input, ShardCheckpoint};
pub use checkpoint::{Checkpoint, KeptCheckpoint, KeptCheckpoints, KeptWindow, compare_sequences};
pub use config::{READ_AHEAD_BYTES, StreamConfig, Surroundings, WindowBegins};
pub use encoder::StreamEncoder;
pub use machine::StreamMachine;
pub use polling_slots::SHARDS_AT_ONCE;
pub use port::{Cursor, FetchRequest, Listing, Page, Shard, ShardId, Start, StreamFacts};
pub use shard_discovery::pages::{MOST_SHARDS, Pages};
pub use tumbling_window::MAX_STATE_BYTES;
