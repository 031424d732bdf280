//! What the real-server tests and benches share: servers, queues, functions, the daemon.
//!
//! Servers are named by the environment; CONTRIBUTING.md says how they are started.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

pub mod activemq;
mod daemon;
pub mod documentdb;
mod emulator;
mod functions;
pub mod kafka;
mod oauth;
mod ports;
mod queue;
pub mod rabbitmq;
mod recording;
mod registry_proxy;
pub mod scripted;
mod servers;
pub mod streams;
mod wait;
mod web;

pub use daemon::{Daemon, binary, processes_with, resident};
pub use emulator::Emulator;
pub use functions::{FUNCTIONS, Python};
pub use oauth::{TokenRequest, TokenServer, unsecured_token};
pub use queue::{Depth, Message, Queue, QueueOptions};
pub use recording::{Invocation, Recording, Seen, most_at_once};
pub use registry_proxy::{RegistryAccess, RegistryProxy};
pub use servers::{Sqs, dynamodb_local, kinesis_local, ministack, variable};
pub use wait::{PATIENCE, until, until_within};
pub use web::{Transport, Web};
