//! Queues of RabbitMQ as event sources (AMQP 0-9-1).

mod address;
mod brokers;
mod dial;
mod message;
mod place;
mod problem;
mod queue;
mod session;
mod settlement;

pub use address::{BrokerAddress, BrokerAddressError};
pub use brokers::RabbitMqBrokers;
pub use queue::RabbitMqQueue;
