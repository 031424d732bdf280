//! What a report says, as answers, text and page.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod answers;
mod browser;
mod build;
mod losses;
mod page;
mod parse;
mod simulated;
mod snapshots;
mod text;
mod timelines;
