//! The process backend against a scripted runtime, and against the official Python one.
#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod awslambdaric;
mod bootstrap;
mod ending;
mod failures;
#[cfg(target_os = "linux")]
mod refused_callers;
mod resource_exhaustion;
mod serving;
mod support;
