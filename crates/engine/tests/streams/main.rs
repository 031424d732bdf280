//! Streams through the whole engine, on paused time.

#![expect(clippy::unwrap_used, reason = "tests stop at the first surprise")]

mod ages;
mod clocks;
mod delivery;
mod many;
mod restarts;
mod settings;
mod support;
mod windows;
