//! Real Lambda runtimes as child processes.
//!
//! One *execution environment* is one child process with a Runtime API of its own on a loopback port,
//! which `AWS_LAMBDA_RUNTIME_API` names; it serves one invocation at a time. Environments start on
//! demand up to the function's concurrency; the most recently used one is taken first, and idle ones are
//! kept. With none free an invocation is throttled: nothing queues here.
//!
//! **Life of an environment.** Init ends with the first `GET …/invocation/next`. It may take 10 seconds
//! or the function's timeout, whichever is longer: AWS repeats an init that took more than 10 seconds
//! under the function's timeout, so the same functions come up. The function's timeout runs from the
//! moment an event is handed over. An answered environment is free at once, though a runtime may still be
//! on its way to its next `/next`; the next invocation then waits for it, no longer than the answered
//! invocation's timeout allows, and goes to a fresh environment otherwise.
//!
//! **What ends one.** A timeout, an exit, a failed init, and an invocation whose future is dropped: the
//! whole process group is killed, and the next invocation starts a new environment. A dropped invocation
//! is thus cut short, never answered to somebody else. A function error does not end an environment.
//!
//! **Who may speak.** The Runtime API is on a loopback port, which every user and every web page of this machine
//! can reach. A connection is taken from the environment only: on Linux from a process of its process group, or one
//! that descends from its command, by what the kernel tells of sockets and `/proc` of processes. Everybody else is
//! cut off unheard, and logged once. That must be possible to see: a runtime that runs as another user, in a
//! container, or detached in a session of its own is refused, too. No other system tells whose a socket is, at least
//! not to safe code; there whoever shares the machine can speak, and should not be let on it. Everywhere, `Host` must
//! be exactly what `AWS_LAMBDA_RUNTIME_API` says, and `Origin` and `Sec-Fetch-…`, by which browsers mark what pages
//! send, are refused.
//!
//! **How much.** An environment has 16 connections, and more wait to be taken; a runtime has one, or one for each
//! call. They may be quiet for as long as they like, but the head of a request, of at most 1 MB, is read within 10
//! seconds of its first byte. A body is read only if it fits what is going on, one at a time, for no longer than the
//! init or the invocation may take; 6 MB of it are kept.
//!
//! **What the daemon lacks.** If there are no descriptors, processes or memory to start an environment or to hear
//! one, it is `Unavailable`: the invocation counts as not made, and is tried again with back-off. The function may
//! have run, though.
//!
//! **Nothing outlives the daemon.** [`ProcessBackend::shutdown`] sends `SIGTERM` to every group and
//! `SIGKILL` after the grace; dropping the backend does the same in the background; a dropped tokio
//! runtime kills at once. If the daemon itself is killed, its sockets close: a runtime that waits in
//! `/next` fails there, and one that is busy fails when it answers; the official clients then exit. There
//! is no further tie (`PR_SET_PDEATHSIG` cannot be set from safe Rust), so a handler that never returns
//! outlives a daemon that was killed with `SIGKILL`.
//!
//! Not served: the Extensions, Logs and Telemetry APIs and SnapStart's restore calls; they answer 404.

mod backend;
mod caller_check;
mod config;
mod dialogue;
mod environment;
mod group;
mod head_timeout;
mod launch;
mod logs;
mod refused_callers;
mod resource_exhaustion;
mod runtime_api;
mod server;
mod supervise;

pub use backend::ProcessBackend;
pub use config::ProcessConfig;
pub use logs::{LogLine, LogSink, LogStream, MAX_LOG_LINE_BYTES};
