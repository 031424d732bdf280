//! The API as its clients see it: over TCP, before a running engine with in-memory queues.

#![expect(clippy::unwrap_used, reason = "tests stop at the first surprise")]

mod boto3;
mod support;
