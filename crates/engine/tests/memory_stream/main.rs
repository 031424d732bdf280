//! The in-memory stream keeps the contract of the real ones, and the rules of its service beyond it.

#![expect(clippy::unwrap_used, reason = "tests stop at the first surprise")]

mod contract;
mod destination;
mod faults;
mod property;
mod reading;
mod resharding;
mod retention;
mod support;
