//! The queue machine, alone and in a simulated world on virtual time.

#![expect(
    clippy::unwrap_used,
    reason = "a test world stops at the first surprise"
)]

mod again;
mod draining;
mod edges;
mod knee;
mod limits;
mod pace;
mod property;
mod rules;
mod server;
mod settings;
mod settling;
mod unreadable;
mod world;
