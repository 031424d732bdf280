//! Changes of mappings that are cut short, twice made, or met by code that panics, with tokio's time paused.

#![expect(clippy::unwrap_used, reason = "tests stop at the first surprise")]

mod compiling;
mod enabled;
mod panics;
mod starting;
mod support;
mod tags;
mod twins;
mod whole;
