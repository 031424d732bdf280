//! Simulations as behaviours, with exact figures.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod determinism;
mod events;
mod failures;
mod kinds;
mod queue;
mod scenes;
mod stream;
