//! What patterns accept and refuse, rule by rule.
#![expect(clippy::unwrap_used, reason = "helpers of tests may fail the test")]

mod alternatives;
mod common;
mod explanations;
mod operators;
mod records;
mod refusals;
mod structure;
