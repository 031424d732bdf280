//! What the author of an emulator relies on.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod fresh_facts;
mod listening;
mod made_anew;
mod missing;
mod never_answers;
mod page;
mod starts;
mod support;
