//! SQS as an event source, and what a queue as a destination shares with it.

mod address;
mod failure;
mod message;
mod name;
mod producer;
mod provider;
mod queue;
mod responses;
mod settle;

pub(crate) use address::{PATIENCE, QueueAddress};
pub(crate) use failure::own_kind;
pub use name::{QueueName, QueueNameError};
pub use producer::SqsProducer;
pub use provider::SqsProvider;
pub use queue::SqsQueue;
