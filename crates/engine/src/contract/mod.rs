//! What the ports promise, as tests that any implementation can run: the in-memory sources here, the
//! adapters against their servers, and yours.

#![expect(clippy::unwrap_used, reason = "a broken promise stops the test")]

mod queue;

pub use queue::{fifo_contract, one, queue_source_contract, receive, settle_ok};
