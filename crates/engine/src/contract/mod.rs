//! What the ports promise, as tests that any implementation can run: the in-memory sources here, the
//! adapters against their servers, and yours.

#![expect(clippy::unwrap_used, reason = "a broken promise stops the test")]

mod destination;
mod promise;
mod queue;
mod reader;
mod reshard;
mod stream;

pub use destination::destination_contract;
pub use queue::{MessageToSend, fifo_contract, one, queue_source_contract, receive, settle_ok};
pub use reader::{StreamReader, fetch};
pub use reshard::{merge_contract, split_contract};
pub use stream::stream_source_contract;
