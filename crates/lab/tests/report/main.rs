//! What a report says, as answers, text and page.

mod answers;
mod browser;
mod build;
mod page;
mod parse;
mod snapshots;
mod text;
mod timelines;
