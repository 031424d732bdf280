//! What every [`QueueSource`](crate::ports::QueueSource) must do, whatever its server.

mod calls;
mod cancellation;
mod concurrency;
mod content;
mod facts;
mod fifo;
mod groups;
mod ledger;
mod limits;
mod message;
mod settling;
mod shown;
mod source;
mod threads;
mod trial;
mod visibility;
mod waiting;

pub use calls::{one, receive, settle_ok};
pub use fifo::fifo_contract;
pub use message::MessageToSend;
pub use source::queue_source_contract;
