//! Topics as queues: a member of a share group (KIP-932), over krafka's connections and messages.
//!
//! The member and its sessions are here, since a client that is made for an application's loop takes one batch at a
//! time, and forgets what it holds when partitions are assigned anew; a mapping has many batches under way.

mod acknowledge_request;
mod acknowledgement;
mod cluster;
mod error;
mod fetch_request;
mod group;
mod lock_book;
mod membership;
mod receipt;
mod records;
mod router;
mod security;
mod session;
mod settling;
mod source;
mod whole_batches;
mod wire;

pub use source::KafkaShareGroup;
