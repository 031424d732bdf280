//! The decision log of a mapping: its last decisions as JSON, or all from now on as server-sent events.
//!
//! A page is what a plain request gets: the last 100 decisions, `?last=N` of them, those `?after=SEQUENCE`,
//! or both. With `Accept: text/event-stream` it is a stream: decisions from now on, after those that
//! `last`, `after` or `Last-Event-ID` ask for. Its events are
//!
//! | event | data |
//! |---|---|
//! | `decision` | one decision as in a page; its id is the sequence number |
//! | `gap` | `{"missed": N}`: so many decisions are missing here, because nobody remembers them |
//! | `end` | `{"because": …}`: the mapping is gone, or the server stops |
//!
//! and comments while there is silence. A sequence number that was not given out yet is of an earlier
//! process: everything remembered is newer.

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::response::sse::Sse;
use axum::response::{IntoResponse, Response};
use http::header::{ACCEPT, CACHE_CONTROL};
use http::{HeaderMap, HeaderValue, StatusCode};
use lambda_esm_core::excerpt::cut;
use lambda_esm_core::mapping::{ApiError, ErrorCode};
use lambda_esm_engine::Event;
use serde::{Serialize, Serializer};
use uuid::Uuid;

use crate::error::{Fault, json};
use crate::follower::Follower;
use crate::mappings::{UuidPath, missing, uuid};
use crate::routes::Api;

/// How many decisions a page holds if nothing else is asked for.
const PAGE: usize = 100;

#[derive(Serialize)]
struct Page {
    mapping: Uuid,
    /// Oldest first.
    events: Vec<Worded>,
}

/// A decision as the log tells it.
#[derive(Serialize)]
#[serde(transparent)]
struct Worded(#[serde(serialize_with = "worded")] Event);

/// Writes a decision, and beside it `text`: the same in plain words.
pub(crate) fn worded<S: Serializer>(event: &Event, serializer: S) -> Result<S::Ok, S::Error> {
    #[derive(Serialize)]
    struct Both<'a> {
        #[serde(flatten)]
        event: &'a Event,
        text: String,
    }
    let text = event.decision.to_string();
    Both { event, text }.serialize(serializer)
}

/// What the query asks for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Asked {
    /// At most so many of the last decisions.
    pub(crate) last: Option<usize>,
    /// Only decisions with a higher sequence number.
    pub(crate) after: Option<u64>,
}

impl Asked {
    fn parse(query: &[(String, String)], headers: &HeaderMap) -> Result<Self, Fault> {
        let mut asked = Self::default();
        // What a client of server-sent events sends when it connects again.
        let resumed = headers.get("last-event-id");
        asked.after = resumed.and_then(|value| value.to_str().ok()?.parse().ok());
        for (name, value) in query {
            let wrong = |_| {
                Fault::serialization(format!(
                    "'{}' of the query parameter '{name}' is not a whole number of 0 or more.",
                    cut(value)
                ))
            };
            match name.as_str() {
                "last" => asked.last = Some(value.parse().map_err(wrong)?),
                "after" => asked.after = Some(value.parse().map_err(wrong)?),
                _ => {
                    return Err(Fault::serialization(format!(
                        "Unknown query parameter '{}': the decision log takes last=N and after=SEQUENCE.",
                        cut(name)
                    )));
                }
            }
        }
        Ok(asked)
    }

    /// Cuts what was asked for out of all that is remembered. Numbers begin anew with the process: one
    /// that was not given out yet is of an earlier process, and everything is newer.
    pub(crate) fn cut(self, mut events: Vec<Event>) -> Vec<Event> {
        let newest = events.last().map_or(0, |event| event.sequence);
        let after = self.after.filter(|after| *after <= newest).unwrap_or(0);
        events.retain(|event| event.sequence > after);
        let surplus = events.len().saturating_sub(self.last.unwrap_or(usize::MAX));
        events.split_off(surplus)
    }
}

/// `/mappings/{uuid}/events`.
pub(crate) async fn events(
    State(api): State<Api>,
    path: UuidPath,
    query: Result<Query<Vec<(String, String)>>, QueryRejection>,
    headers: HeaderMap,
) -> Result<Response, Fault> {
    let mapping = uuid(path)?;
    let Query(query) = query.map_err(|error| Fault::serialization(error.body_text()))?;
    let mut asked = Asked::parse(&query, &headers)?;
    let accept = headers.get(ACCEPT).and_then(|accept| accept.to_str().ok());
    if !accept.is_some_and(|accept| accept.contains("text/event-stream")) {
        asked.last = asked.last.or(Some(PAGE));
        let events = api.engine.recent(mapping).ok_or_else(missing)?;
        let events = asked.cut(events).into_iter().map(Worded).collect();
        return json(StatusCode::OK, &Page { mapping, events });
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
    let follower = Follower::new(api, mapping, live, permit).after(past, asked);
    let mut response = Sse::new(follower.stream()).into_response();
    let no_cache = HeaderValue::from_static("no-cache");
    response.headers_mut().insert(CACHE_CONTROL, no_cache);
    Ok(response)
}
