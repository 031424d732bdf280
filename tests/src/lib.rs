//! What the real-server tests and benches share: servers, queues, functions, the daemon.
//!
//! Servers are named by the environment; CONTRIBUTING.md says how they are started.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod daemon;
mod emulator;
mod functions;
mod queue;
mod recording;
mod servers;
pub mod streams;
mod wait;

pub use daemon::{Daemon, binary, processes_with, resident};
pub use emulator::Emulator;
pub use functions::{FUNCTIONS, Python};
pub use queue::{Depth, Message, Queue, QueueOptions};
pub use recording::{Invocation, Recording, Seen, most_at_once};
pub use servers::{Sqs, dynamodb_local, kinesis_local, ministack, variable};
pub use wait::{PATIENCE, until, until_within};
