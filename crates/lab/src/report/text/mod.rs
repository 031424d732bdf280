//! The report for a terminal.

mod grid;
mod mapping;
mod tables;
mod whole;

pub use whole::text;
