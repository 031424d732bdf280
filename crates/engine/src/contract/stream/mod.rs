//! What a [`StreamSource`](crate::ports::StreamSource) promises.

mod bytes;
mod calls;
mod expiry;
mod listing;
mod positions;
mod reader;
mod records;
mod resharding;
mod retention;
mod source;
mod times;
mod waits;

pub use bytes::bytes_contract;
pub use calls::fetch;
pub(super) use calls::{PATIENCE, PAUSE};
pub use expiry::{expiry_contract, recreation_contract};
pub use reader::StreamReader;
pub use resharding::{merge_contract, split_contract};
pub use retention::retention_contract;
pub use source::stream_source_contract;
