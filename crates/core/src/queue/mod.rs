//! Receipt-based sources: SQS now, Amazon MQ later.
//!
//! ```text
//!  receive ──> filter ──> open batch ──> waiting ──> invoking ──> settling ──> gone
//!     ^           │       (batcher)         ^          │   │
//!     │        deleted                      └ backing ─┘   └── failed: the visibility timeout
//!     └── only while a batch has a free slot     off                brings the messages back
//! ```
//!
//! A mapping that stops waits for its open receives ([`Input::Drain`]), and a message that is received again
//! while it is at work takes its own place (`again`).
//!
//! A batch holds a slot from its first try until its last deletion. The number of slots is what scaling
//! decides; reading stops when no slot is free, so a mapping never holds more messages than its batches
//! can carry.

mod action;
mod again;
mod config;
mod draining;
mod flight;
mod groups;
mod invoking;
mod machine;
mod port;
mod quota;
mod reading;
mod scaling;
mod settling;

pub use action::{Action, Input, ReceiveId, SettleId};
pub use config::{Concurrency, QueueConfig, QueueEncoder};
pub use machine::QueueMachine;
pub use port::{QueueFacts, ReceiveRequest, Received, SettleVerb, Settlement, UnreadableMessage};
