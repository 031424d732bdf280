//! What the ports promise, as tests that any implementation can run: the in-memory sources here, the
//! adapters against their servers, and yours.

#![expect(clippy::unwrap_used, reason = "a broken promise stops the test")]

mod backend;
mod bound;
mod destination;
mod promise;
mod push_queue;
mod queue;
mod same_bytes;
mod share_group;
mod store;
mod store_races;
mod stored;
mod stream;
mod topic;

pub use backend::{ContractFunctions, backend_contract};
pub use destination::destination_contract;
pub use push_queue::{MessageToPublish, PushQueueContract, push_queue_contract};
pub use queue::{MessageToSend, fifo_contract, one, queue_source_contract, receive, settle_ok};
pub use share_group::{ShareGroupContract, SharedRecordToPut, share_group_contract};
pub use store::store_contract;
pub use stream::{
    StreamReader, bytes_contract, expiry_contract, fetch, merge_contract, recreation_contract,
    retention_contract, split_contract, stream_source_contract,
};
pub use topic::{RecordToPut, TopicContract, topic_source_contract};
