//! An in-memory queue that behaves as those of RabbitMQ and ActiveMQ do, with the consumers that compete for it.

mod broker;
mod consumer;
mod faults;
mod message;
mod options;
mod source;

pub use faults::PushQueueCall;
pub use options::MemoryPushQueueOptions;
pub use source::MemoryPushQueue;
