//! RabbitMQ for tests: the shared broker, brokers of a test's own, and queues.

mod broker;
mod queue;
mod server;

pub use broker::RabbitBroker;
pub use queue::{RabbitQueue, RabbitQueueOptions};
pub use server::Rabbit;
