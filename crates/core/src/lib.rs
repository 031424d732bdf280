//! The semantics of AWS Lambda event source mappings, without I/O, clock or randomness of their own.
//!
//! Everything here is deterministic: the same inputs at the same times give the same actions. A
//! machine is driven with three verbs:
//!
//! * `handle(now, Input)` takes one fact from outside,
//! * `poll() -> Option<Action>` says what to do about it,
//! * `next_deadline() -> Option<Timestamp>` says when to call `handle(now, Input::Tick)` if nothing
//!   else happens.
//!
//! **The drain rule:** after every `handle`, call `poll` until it returns `None` before the next
//! `handle`, and only then trust `next_deadline`.
//!
//! Cursor moves last: a machine asks for a deletion or a checkpoint only when the batch is settled,
//! so a crash between any two actions loses nothing.

pub mod activity;
pub mod backoff;
pub mod batching;
pub mod decision;
pub mod event;
pub mod excerpt;
pub mod fault;
pub mod function_concurrency;
pub mod json;
pub mod kpl;
pub mod lifecycle;
pub mod machine;
pub mod mapping;
pub mod on_failure_record;
pub mod pacing;
pub mod queue;
pub mod record;
pub mod response;
pub mod scaling_model;
pub mod stream;
pub mod text;
pub mod time;

mod quota;
mod setters;

pub use lambda_esm_filter as filter;
pub use stream::{push_queue, topic};
pub use time::Timestamp;
