//! What operators ask: is it alive, what does it do, how much of it.

use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use http::header::CONTENT_TYPE;
use lambda_esm_engine::MappingStatus;
use serde::Serialize;

use crate::error::{Fault, json};
use crate::state::Api;

/// `/healthz`.
pub(crate) async fn health() -> Response {
    ([(CONTENT_TYPE, "text/plain; charset=utf-8")], "ok\n").into_response()
}

/// `/metrics`.
pub(crate) async fn metrics(State(api): State<Api>) -> Response {
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    ([(CONTENT_TYPE, kind)], api.engine.metrics().render()).into_response()
}

#[derive(Serialize)]
struct Status {
    /// The version of the server.
    version: &'static str,
    /// The engine's time, in milliseconds since the Unix epoch.
    time_ms: i64,
    /// Every mapping, ordered by UUID.
    mappings: Vec<MappingStatus>,
}

/// `/status`.
pub(crate) async fn status(State(api): State<Api>) -> Result<Response, Fault> {
    let status = Status {
        version: env!("CARGO_PKG_VERSION"),
        time_ms: api.engine.clock().now().millis(),
        mappings: api.engine.status(),
    };
    Ok(json(StatusCode::OK, &status)?.map(Body::from))
}
