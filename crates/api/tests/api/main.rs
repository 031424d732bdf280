//! The API as its clients see it: over TCP, before a running engine with in-memory queues.

#![expect(clippy::unwrap_used, reason = "tests stop at the first surprise")]

mod boto3;
mod browsers;
mod churn;
mod connection_limits;
mod errors;
mod events;
mod fuzz;
mod identity;
mod limits;
mod mappings;
mod pagination;
mod refusals;
mod streams;
mod support;
mod tags;
