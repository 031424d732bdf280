//! The control plane: the Lambda API of event source mappings over HTTP. A server of its own has metrics, status
//! and the decision log beside it; a server that exists already [mounts](#mount-it) the API alone.
//!
//! What [`serve`] answers:
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
//! Whoever only connects costs little: [`ApiLimits`] bounds connections, requests under way, and the bytes held for
//! all clients together. Where that is too little, connections are closed for which nothing is being done, first
//! those that have sent no request that was let in; new ones do not wait for them, and `/healthz` is answered
//! before anything else is read. A refusal is at most 8 KiB long: it names the first ten violations, and cuts
//! values after 400 characters.
//!
//! # Mount it
//!
//! [`routes`] is what an axum server merges or nests: the AWS paths alone, one router for each engine. Who may ask
//! (web pages too), how many may, and how long they may take is then up to that server.
//!
//! ```
//! use axum::Router;
//! use axum::routing::get;
//! use lambda_esm_api::routes;
//! use lambda_esm_engine::{Engine, EngineOptions};
//!
//! let engine = |region: &str| {
//!     let mut options = EngineOptions::default();
//!     options.region = region.to_owned();
//!     Engine::builder().options(options).build()
//! };
//! let emulator: Router = Router::new()
//!     .route("/2015-03-31/functions", get(|| async { r#"{"Functions":[]}"# }))
//!     .merge(routes(engine("us-east-1")))
//!     .nest("/eu-west-1", routes(engine("eu-west-1")))
//!     .fallback(|| async { "no such service" });
//! # drop(emulator);
//! ```
//!
//! [`handle`] is for every other server: one request, one answer, the same as that of [`routes`].
//!
//! ```
//! use bytes::Bytes;
//! use http::{Request, StatusCode};
//! use lambda_esm_api::handle;
//! use lambda_esm_engine::Engine;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), http::Error> {
//! let engine = Engine::builder().build();
//! let request = Request::get("/2015-03-31/event-source-mappings").body(Bytes::new())?;
//! let response = handle(&engine, request).await;
//! assert_eq!(response.status(), StatusCode::OK);
//! assert_eq!(response.body(), r#"{"EventSourceMappings":[]}"#);
//! # Ok(())
//! # }
//! ```

// What the signatures of `routes` and `handle` are made of.
#[doc(no_inline)]
pub use {axum, http};

mod admission;
mod auth;
mod body;
mod connection_limits;
mod decision_log;
mod error;
mod handle;
mod host_header;
mod mappings;
mod operations;
mod options;
mod pagination;
mod request_id;
mod routes;
mod serve;
mod server_routes;
mod state;
mod status;
mod tags;
mod write_timeout;

pub use handle::{handle, handles};
pub use options::{ApiLimits, ApiOptions, Auth, OptionsError};
pub use routes::routes;
pub use serve::{listen, serve};
