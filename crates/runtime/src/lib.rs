//! Runs functions on this machine: two implementations of the engine's
//! [`InvokeBackend`](lambda_esm_engine::ports::InvokeBackend).
//!
//! * [`process`] starts real Lambda runtimes as child processes and serves them the Lambda Runtime API,
//!   so that an unmodified handler runs as it does in AWS.
//! * [`http`] posts the event to a plain HTTP function.
//!
//! A backend value serves one function; whoever holds several routes by name.

mod error;
pub mod http;
pub mod process;

mod redact;

pub use error::ConfigError;
