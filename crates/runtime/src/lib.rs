//! Runs functions on this machine: two implementations of the engine's
//! [`InvokeBackend`](lambda_esm_engine::ports::InvokeBackend).
//!
//! * [`process`] starts real Lambda runtimes as child processes and serves them the Lambda Runtime API,
//!   so that an unmodified handler runs as it does in AWS.
//! * [`http`] posts the event to a plain HTTP function.
//!
//! A backend value serves one function; whoever holds several routes by name.

pub mod error;
pub mod http;
pub mod process;

mod redact;
mod text;

pub use error::ConfigError;

/// The largest event or response of a synchronous invocation, in bytes: 6 MB (Lambda quotas, "Invocation
/// payload").
pub const MAX_PAYLOAD_BYTES: usize = 6_291_456;
