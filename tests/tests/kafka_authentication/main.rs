//! Who is let in by Kafka clusters, and who is not: each mechanism right, wrong, expired and rotated, and what a
//! mapping shows of a cluster that it cannot read. All through the daemon, against real brokers.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod aws;
mod bad_input;
mod certificates;
mod passwords;
mod scene;
mod secrets_manager;
mod tokens;
