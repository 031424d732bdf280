//! Mappings from real queues of RabbitMQ and ActiveMQ to real functions, by the daemon: one module for each promise.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod activemq;
mod bad_input;
mod competition;
mod filters;
mod interruptions;
mod seen;
mod stage;
mod whole;
