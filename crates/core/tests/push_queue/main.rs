//! The machine of queues that brokers push: scripted worlds, one behaviour after another, and random ones.

#![expect(
    clippy::unwrap_used,
    reason = "a test world stops at the first surprise"
)]

mod batches;
mod draining;
mod failures;
mod mapping;
mod property;
mod sessions;
mod settings;
mod world;
