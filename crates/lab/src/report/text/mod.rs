//! The report for a terminal.

mod grid;
mod mapping;
mod tables;
mod whole;

pub(crate) use grid::{Grid, heading};
pub use whole::text;
