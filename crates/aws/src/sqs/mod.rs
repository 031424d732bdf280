//! SQS as an event source.

mod failure;
mod message;
mod name;
mod provider;
mod queue;

pub use name::{QueueName, QueueNameError};
pub use provider::SqsProvider;
pub use queue::SqsQueue;
