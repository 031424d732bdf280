//! What an on-failure destination is told of a discarded batch (Lambda developer guide, "Retaining
//! discarded batches"; shapes and key order recorded from the service).

mod condition;
mod envelope;
mod failed_response;
mod kafka;
mod record;
mod stream;

pub use condition::Condition;
pub use envelope::ResponseContext;
pub(crate) use failed_response::FailedResponse;
pub use kafka::{DiscardedKafka, DiscardedPartition, kafka_key};
pub use record::FailureRecord;
pub use stream::{Discarded, StreamKind};
