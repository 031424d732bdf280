//! Queues whose brokers push their messages: RabbitMQ and ActiveMQ.
//!
//! The way of a message: a session is begun (`connection`), and read as long as not too much waits (`receiving`). What no
//! filter lets pass (`filter`) is accepted at once; the rest is drawn into the batch of a lane (`drawing`), of which
//! RabbitMQ has one and ActiveMQ five. The lane invokes the function until it succeeds (`invoking`), but for messages that
//! have failed too often or have expired between two tries (`redelivery`). What is decided about a delivery is told to the
//! broker (`settling`). With the session all its deliveries are void: what the function does not have is forgotten,
//! since the broker delivers it again.

mod action;
mod config;
mod connection;
mod draining;
mod drawing;
mod filter;
mod invoking;
mod link;
mod machine;
mod port;
mod receiving;
mod redelivery;
mod settlements;
mod settling;
mod status;

pub use action::{Action, Input};
pub use config::PushQueueConfig;
pub use machine::PushQueueMachine;
pub use port::{ConsumeRequest, DeliveryOutcome, Outcome};
