//! The brokers of the tests, as a plain client meets them: what the tests of the product take for granted.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod access;
mod attempt;
mod brokers;
mod https;
mod logins;
mod registry;
mod tokens;
mod topics;
