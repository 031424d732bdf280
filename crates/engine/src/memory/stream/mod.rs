//! An in-memory stream that behaves as Kinesis or DynamoDB Streams do.

mod faults;
mod iterator;
mod options;
mod shard;
mod shards;
mod source;

pub use faults::StreamCall;
pub use options::{MemoryStreamOptions, StreamKind};
pub use shards::Placed;
pub use source::MemoryStream;
