//! Receipt-based sources: SQS, and topics of Kafka that a share group makes queues.
//!
//! ```text
//!  receive ──> filter ──> open batch ──> waiting ──> invoking ──> settling ──> gone
//!     ^           │       (batcher)         ^          │   │
//!     │        deleted                      └ backing ─┘   └── failed: the visibility timeout
//!     └── only while a batch has a free slot     off                brings the messages back
//! ```
//!
//! A mapping that stops waits for its open receives ([`Input::Drain`]), and a message that is received again
//! while it is at work takes its own place (`redelivery`). What a share group has and SQS has not is in `share_group`.
//!
//! A batch holds a slot from its first try until its last deletion. The number of slots is what scaling
//! decides; reading stops when no slot is free, so a mapping never holds more messages than its batches
//! can carry.

mod action;
mod batch_result;
mod batching_window;
mod config;
mod delivery;
mod draining;
mod encoder;
mod fifo_group;
mod fifo_order;
mod filter;
mod in_flight;
mod invocation;
mod machine;
mod poller_quota;
mod polling;
mod port;
mod receive;
mod redelivery;
mod retry;
mod scaling;
mod settlement;
mod settlements;
mod share_group;
mod timer;
mod visibility;

pub use action::{Action, Input, ReceiveId, SettleId};
pub use config::{Concurrency, QueueConfig};
pub use encoder::QueueEncoder;
pub use machine::QueueMachine;
pub use port::{QueueFacts, ReceiveRequest, Received, SettleVerb, Settlement, UnreadableMessage};
pub use share_group::{DeliveryId, ShareGroupConfig, ShareGroupRetries};
