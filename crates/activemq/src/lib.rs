//! Queues of ActiveMQ Classic as event sources, over AMQP 1.0.
//!
//! Lambda's own client speaks OpenWire, of which there is no maintained client in Rust. AMQP 1.0 is the nearest of what else
//! the broker speaks, and lacks of an event only `brokerInTime` and `brokerOutTime`. Two more differences show:
//!
//! * How often a delivery failed is known to the session only. A message that goes back with its session counts as never
//!   delivered; where the connection breaks, each that was delivered counts one failure more.
//! * The broker keeps what is released for the same consumer, until its session ends.

mod address;
mod brokers;
mod connection;
mod consumer;
mod content;
mod java_text;
mod problem;
mod queue;
mod session;
mod trust;

pub use address::{BrokerAddress, BrokerAddressError};
pub use brokers::ActiveMqBrokers;
pub use queue::ActiveMqQueue;
