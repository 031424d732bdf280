//! Kinesis as an event source: streams read with shared throughput, and consumers with enhanced fan-out.

mod answers;
mod consumer;
mod events;
mod failure;
mod name;
mod place;
mod provider;
mod record;
mod stream;
mod subscription;

pub use consumer::KinesisConsumer;
pub use name::{KinesisName, KinesisNameError};
pub use provider::KinesisProvider;
pub use stream::KinesisStream;
