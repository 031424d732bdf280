//! The in-memory topic behaves as Kafka's topics and consumer groups do.

#![expect(clippy::unwrap_used, reason = "tests stop at the first surprise")]

mod groups;
mod records;
mod world;
