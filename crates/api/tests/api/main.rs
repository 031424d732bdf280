//! The API as its clients see it: over TCP or mounted in a server of their own, before a
//! running engine with in-memory queues.

#![expect(clippy::unwrap_used, reason = "tests stop at the first surprise")]

mod boto3;
mod browsers;
mod churn;
mod connection_limits;
mod embedder;
mod errors;
mod events;
mod fuzz;
mod handled;
mod hang_up;
mod identity;
mod limits;
mod mappings;
mod mounted;
mod pagination;
mod refusals;
mod streams;
mod support;
mod tags;
