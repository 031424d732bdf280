//! Recordings: what sources deliver to an engine, written, read, and delivered again.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod brokers;
mod delivering;
mod reading;
mod support;
