//! The stream machine in a simulated world on virtual time: the scenarios in `tests/scenarios`, which are
//! its specification, and random worlds.

#![expect(
    clippy::unwrap_used,
    reason = "a test world stops at the first surprise"
)]

mod ahead;
mod content;
mod mapping;
mod ownership;
mod property;
mod scenario;
mod seats;
mod world;
