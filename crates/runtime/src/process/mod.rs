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
//! **Nothing outlives the daemon.** [`ProcessBackend::shutdown`] sends `SIGTERM` to every group and
//! `SIGKILL` after the grace; dropping the backend does the same in the background; a dropped tokio
//! runtime kills at once. If the daemon itself is killed, its sockets close: a runtime that waits in
//! `/next` fails there, and one that is busy fails when it answers; the official clients then exit. There
//! is no further tie (`PR_SET_PDEATHSIG` cannot be set from safe Rust), so a handler that never returns
//! outlives a daemon that was killed with `SIGKILL`.
//!
//! Not served: the Extensions, Logs and Telemetry APIs and SnapStart's restore calls; they answer 404.

mod api;
mod backend;
mod config;
mod environment;
mod group;
mod lack;
mod launch;
mod logs;
mod peer;
mod server;
mod stall;
mod state;
mod strangers;
mod supervise;

pub use backend::ProcessBackend;
pub use config::ProcessConfig;
pub use logs::{LogLine, LogSink, LogStream, MAX_LOG_LINE_BYTES};
