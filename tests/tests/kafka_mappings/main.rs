//! Mappings from real Kafka topics to real functions and destinations, by the daemon: one module for each promise.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod batches;
mod boto;
mod changes;
mod filters;
mod function;
mod kills;
mod letters;
mod logs;
mod many;
mod modes;
mod payloads;
mod poison;
mod queue_mode;
mod retries;
mod shapes;
mod stage;
mod starts;
mod topics;
mod whole;
