//! Queues of RabbitMQ, consumed from real brokers.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod consumer;
mod contract;
mod ends;
mod mapping;
mod order;
mod properties;
mod queues;
mod refusals;
mod tls;
