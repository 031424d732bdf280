//! Answers `/mappings/{uuid}/events`: a page, or a stream.

use axum::body::Body;
use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::response::sse::Sse;
use axum::response::{IntoResponse, Response};
use http::header::{ACCEPT, CACHE_CONTROL};
use http::{HeaderMap, HeaderValue, StatusCode};
use lambda_esm_core::mapping::{ApiError, ErrorCode};
use serde::Serialize;
use uuid::Uuid;

use super::entry::Entry;
use super::selection::Selection;
use super::stream::DecisionStream;
use crate::error::{Fault, json};
use crate::mappings::{missing, uuid};
use crate::state::Api;

/// How many decisions a page holds if nothing else is asked for.
const PAGE: usize = 100;

#[derive(Serialize)]
struct DecisionPage {
    mapping: Uuid,
    /// Oldest first.
    events: Vec<Entry>,
}

/// `/mappings/{uuid}/events`.
pub(crate) async fn read(
    State(api): State<Api>,
    path: Result<Path<String>, PathRejection>,
    query: Result<Query<Vec<(String, String)>>, QueryRejection>,
    headers: HeaderMap,
) -> Result<Response, Fault> {
    let Path(name) = path.map_err(|error| Fault::serialization(error.body_text()))?;
    let mapping = uuid(&name)?;
    let Query(query) = query.map_err(|error| Fault::serialization(error.body_text()))?;
    let mut selection = Selection::parse(&query, &headers)?;
    let accept = headers.get(ACCEPT).and_then(|accept| accept.to_str().ok());
    if !accept.is_some_and(|accept| accept.contains("text/event-stream")) {
        selection.last = selection.last.or(Some(PAGE));
        let events = api.engine.recent(mapping).ok_or_else(missing)?;
        let events = selection.cut(events).into_iter().map(Entry).collect();
        let page = json(StatusCode::OK, &DecisionPage { mapping, events })?;
        return Ok(page.map(Body::from));
    }
    let Ok(permit) = api.streams.clone().try_acquire_owned() else {
        let most = api.options.limits.event_streams;
        let message =
            format!("There are {most} event streams already; close one, or page with ?last=N.");
        return Err(ApiError::new(ErrorCode::TooManyRequests, message).into());
    };
    // First the live events, then the past: what happens in between is in both, and told once.
    let live = api.engine.events();
    let past = api.engine.recent(mapping).ok_or_else(missing)?;
    let stream = DecisionStream::new(api, mapping, live, permit).after(past, selection);
    let mut response = Sse::new(stream.server_sent()).into_response();
    let no_cache = HeaderValue::from_static("no-cache");
    response.headers_mut().insert(CACHE_CONTROL, no_cache);
    Ok(response)
}
