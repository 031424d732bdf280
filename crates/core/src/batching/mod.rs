//! Batches: records gathered until the batching window ends, `BatchSize` is reached, or the payload is full.

mod batch;
mod batcher;
mod batching_window;
mod fragments;
mod payload_limit;

pub use batch::{Batch, CloseReason};
pub use batcher::{Batcher, Limits, Oversized};
pub use payload_limit::MAX_PAYLOAD_BYTES;
