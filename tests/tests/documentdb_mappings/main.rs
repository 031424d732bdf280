//! Mappings from a real change stream to real functions, by the daemon: one module for each promise.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod bad_input;
mod history;
mod kills;
mod seen;
mod stage;
mod standby;
mod whole;
