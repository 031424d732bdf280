//! Mappings from real queues to real functions, one module for each promise.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod batches;
mod concurrency;
mod crash;
mod delivery;
mod emulator;
mod events;
mod fifo;
mod metrics;
mod problems;
mod stopping;
