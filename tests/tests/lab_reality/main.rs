//! The same workload simulated and with real servers: what a simulation says is what happens.
//!
//! Counts, distributions and how late records are, are asserted.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod compared;
mod queue;
mod scene;
mod stream;
mod sweep;
mod table;
