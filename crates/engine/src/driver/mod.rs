//! Drivers: one task per mapping feeds one machine, and carries out what the machine asks for.
//!
//! Every call to the outside is a task of its own; their answers come back one at a time, so the machine
//! sees one ordered sequence of facts and needs no lock.

mod outside;
mod queue;
mod receives;
mod stream;
mod turns;

pub(crate) use outside::{Command, Function, Outside};
pub(crate) use queue::QueueDriver;
pub(crate) use stream::{StreamDriver, StreamPorts};
