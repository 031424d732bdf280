//! Sweeps over hand-made reports: what is tried, who wins, what is recommended.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod change;
mod front;
mod grid;
mod memory;
mod page;
#[path = "../report/parse.rs"]
mod parse;
mod ranking;
mod real;
mod text;
mod threads;
mod values;
mod world;
