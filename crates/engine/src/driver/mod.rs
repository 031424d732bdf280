//! Drivers: one task per mapping feeds one machine, and carries out what the machine asks for.
//!
//! Every call to the outside is a task of its own; their answers come back one at a time, so the machine
//! sees one ordered sequence of facts and needs no lock. The loop is one for all kinds of sources
//! ([`event_loop`]); a kind adds how its actions are carried out ([`queue`], [`stream`]).

mod calls;
mod event_loop;
mod function;
mod handle;
mod push_queue;
mod queue;
mod receives;
mod reservations;
mod stream;
mod topic;

pub(crate) use event_loop::Driver;
pub(crate) use function::Function;
pub(crate) use handle::DriverHandle;
pub(crate) use push_queue::PushQueuePorts;
pub(crate) use queue::QueuePorts;
pub(crate) use stream::{StreamEnds, StreamPorts};
pub(crate) use topic::TopicPorts;
