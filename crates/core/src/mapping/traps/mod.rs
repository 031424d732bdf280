//! Traps: settings that are legal, and do what hardly anybody wants.

mod concurrency;
mod facts;
mod filter;
mod find;
mod ordered;
mod pages;
mod queue;
mod share_group;
mod stream;
mod trap;
mod twice;

pub use facts::{Facts, Redrive};
pub use find::traps;
pub use trap::Trap;
