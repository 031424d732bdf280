//! The report as a page.

mod chart;
mod charts;
mod log;
mod mapping;
mod tables;
mod ticks;
mod timeline;
mod whole;

pub use whole::html;
