//! Local work stays local, and AWS is asked for all that the AWS CLI knows: the daemon in a network namespace
//! without a way out, with traps where credentials and services are looked for.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod aws;
mod function;
mod local;
mod namespace;
mod profiles;
mod traps;
