//! The same workload simulated and with real servers: what a simulation says is what happens.
//!
//! Counts and distributions are asserted; times are printed beside each other: they have the calls of real servers in
//! them, which take as long as the machine is busy with other things.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod compared;
mod queue;
mod scene;
mod stream;
mod sweep;
mod table;
