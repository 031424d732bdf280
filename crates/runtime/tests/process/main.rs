//! The process backend against a scripted runtime, and against the official Python one.
#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod awslambdaric;
mod bootstrap;
mod ending;
mod failures;
mod lacking;
mod serving;
#[cfg(target_os = "linux")]
mod strangers;
mod support;
