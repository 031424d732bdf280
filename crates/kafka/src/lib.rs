//! Kafka topics as event sources, of Amazon MSK and of self-managed clusters, and as on-failure destinations.

mod client;
mod connect;
mod consumer;
mod options;
mod problem;
mod source;

pub use connect::{ClientSettings, Connect};
pub use options::{GroupProtocol, Isolation, KafkaOptions};
pub use source::KafkaTopic;
