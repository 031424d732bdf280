//! The same workload simulated and with real servers: what a simulation says is what happens.
//!
//! Counts and distributions are asserted, and of queues how late records are. Of a stream with a batching window that is printed:
//! polls and windows both come once a second, and how they lie to each other is left to chance. With one seed or another 99 in
//! 100 records of 40 s are simulated to take at most 1.3 to 1.9 s.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod compared;
mod queue;
mod scene;
mod stream;
mod sweep;
mod table;
