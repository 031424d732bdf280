//! The daemon's control plane, asked by the clients that people use, over real queues.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod aws_cli;
mod churn;
mod configs;
mod fuzz;
mod kills;
mod kinds;
mod outages;
mod sdk;
mod signatures;
mod support;
