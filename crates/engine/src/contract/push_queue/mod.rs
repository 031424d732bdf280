//! What a [`PushQueueSource`](crate::ports::PushQueueSource) promises.

mod ends;
mod messages;
mod queue;
mod session;
mod settling;
mod sharing;
mod source;
mod subject;

pub use source::push_queue_contract;
pub use subject::{MessageToPublish, PushQueueContract};
