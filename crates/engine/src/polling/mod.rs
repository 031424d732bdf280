//! Polling: what each kind of source adds to the life of a mapping. A new kind is a file of its own, and an arm in
//! [`kinds`].

mod kafka;
mod kind;
mod kinds;
mod push_queue;
mod queue;
mod share_group;
mod stream;
mod topic;

pub(crate) use kind::{FoundSource, Polling, Reconfigured, Settings};
pub(crate) use kinds::{check, find};
