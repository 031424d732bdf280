//! The machine of Kafka topics: scripted worlds, one behaviour after another, and random ones.

#![expect(
    clippy::unwrap_used,
    reason = "a test world stops at the first surprise"
)]

mod batches;
mod commits;
mod draining;
mod failures;
mod limits;
mod mapping;
mod property;
mod reading;
mod rebalances;
mod scaling;
mod world;
