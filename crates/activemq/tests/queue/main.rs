//! Queues of a real broker, filled by ActiveMQ's own Java client.
#![expect(
    clippy::unwrap_used,
    reason = "a call that fails is a check that fails"
)]

// What the tests of the whole use, too.
#[path = "../../../../tests/src/activemq/mod.rs"]
pub mod activemq;
#[path = "../../../../tests/src/ports.rs"]
mod ports;
#[path = "../../../../tests/src/wait.rs"]
pub mod wait;

mod amqp;
mod contract;
mod endings;
mod kinds;
mod line;
mod mappings;
mod problems;
mod scene;
mod servers;
mod sessions;
