//! Hostile sources, clients and functions: each row of the tables is one way to be so. Whatever they do, the
//! daemon stays small, its API answers at once, and another mapping delivers one message a second.
//!
//! All traffic stays on the loopback interface, and is bounded in bytes and time.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod clients;
mod functions;
mod output;
mod scene;
mod sources;
mod stand_in;
mod strangers;
