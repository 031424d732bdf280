//! Kinesis as an event source: streams read with shared throughput, and consumers with enhanced fan-out.

mod consumer;
mod event_stream;
mod failure;
mod name;
mod producer;
mod provider;
mod record;
mod responses;
mod start;
mod stream;
mod subscription;

pub use consumer::KinesisConsumer;
pub use name::{KinesisName, KinesisNameError};
pub use producer::KinesisProducer;
pub use provider::KinesisProvider;
pub use stream::KinesisStream;
