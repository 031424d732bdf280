//! Consumer groups whose members and brokers come and go under load.
//!
//! Every test ends with the same oracle: each record was delivered, in the order of its partition but for those that are
//! repeated; and what the group has committed is the end of the log.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod brokers;
mod deliveries;
mod function;
mod load;
mod members;
mod scene;
mod slow;
mod turnover;
