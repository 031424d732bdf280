//! What a report says, as answers, text and page.

mod answers;
mod build;
mod snapshots;
mod text;
