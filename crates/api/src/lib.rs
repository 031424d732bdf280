//! The control plane: the Lambda API of event source mappings over HTTP, and beside it metrics, status
//! and the decision log.
//!
//! | path | answers |
//! |---|---|
//! | `/2015-03-31/event-source-mappings[/UUID]` | Create, Get, List, Update and Delete |
//! | `/2017-03-31/tags/ARN` | `TagResource`, `UntagResource` and `ListTags`, for mappings |
//! | `/metrics` | OpenMetrics text |
//! | `/healthz` | `ok`, without authentication |
//! | `/status` | every mapping as JSON |
//! | `/mappings/UUID/events` | the last decisions as JSON, or all from now on as server-sent events |
//!
//! Every path may end in a slash. Errors carry AWS's texts, and where there is a way out that these do
//! not name, the header `x-lambda-esm-hint`. Two things are stricter than Lambda: a member that the API does not
//! know is refused (400 `SerializationException` that names it), since whoever wrote it expects it to
//! do something; and requests of other sites' pages are refused, since a browser would carry them to loopback.
//!
//! # What clients can take
//!
//! Whoever only connects costs little: [`Limits`] bounds connections, requests under way, and the bytes held for
//! all clients together. Where that is too little, connections are closed for which nothing is being done, first
//! those that have sent no request that was let in; new ones do not wait for them, and `/healthz` is answered
//! before anything else is read. A refusal is at most 8 KiB long: it names the first ten violations, and cuts
//! values after 400 characters.

mod admission;
mod auth;
mod body;
mod connection_limits;
mod decision_log;
mod error;
mod host_header;
mod mappings;
mod options;
mod pagination;
mod routes;
mod serve;
mod state;
mod status;
mod tags;
mod write_timeout;

pub use options::{ApiOptions, Auth, Limits, OptionsError};
pub use serve::{listen, serve};
