//! The decision log of a mapping: its last decisions as JSON, or all from now on as server-sent events.

use std::collections::VecDeque;
use std::convert::Infallible;

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::response::sse::{self, Sse};
use axum::response::{IntoResponse, Response};
use futures::{Stream, stream};
use http::header::{ACCEPT, CACHE_CONTROL};
use http::{HeaderMap, HeaderValue, StatusCode};
use lambda_esm_core::mapping::{ApiError, ErrorCode};
use lambda_esm_engine::Event;
use serde::Serialize;
use tokio::sync::OwnedSemaphorePermit;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::{Interval, interval};
use uuid::Uuid;

use crate::error::{Fault, json};
use crate::mappings::{UuidPath, missing, uuid};
use crate::routes::Api;

/// How many decisions a page holds if nothing else is asked for.
const PAGE: usize = 100;

#[derive(Serialize)]
struct Page {
    mapping: Uuid,
    /// Oldest first.
    events: Vec<Event>,
}

/// What the query asks for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Asked {
    /// At most so many of the last decisions.
    last: Option<usize>,
    /// Only decisions with a higher sequence number.
    after: Option<u64>,
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
                    "'{value}' of the query parameter '{name}' is not a whole number of 0 or more."
                ))
            };
            match name.as_str() {
                "last" => asked.last = Some(value.parse().map_err(wrong)?),
                "after" => asked.after = Some(value.parse().map_err(wrong)?),
                _ => {
                    return Err(Fault::serialization(format!(
                        "Unknown query parameter '{name}': the decision log takes last=N and after=SEQUENCE."
                    )));
                }
            }
        }
        Ok(asked)
    }

    /// Cuts what was asked for out of all that is remembered. Numbers begin anew with the process: one
    /// that was not given out yet is of an earlier process, and everything is newer.
    fn cut(self, mut events: Vec<Event>) -> Vec<Event> {
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
        let events = asked.cut(events);
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
    let backlog = if asked == Asked::default() {
        Vec::new()
    } else {
        asked.cut(past.clone())
    };
    let told = past.last().map_or(0, |event| event.sequence);
    let heartbeat = interval(api.options.limits.heartbeat);
    let follower = Follower {
        api,
        mapping,
        backlog: backlog.into(),
        told,
        live,
        heartbeat,
        ended: false,
        permit,
    };
    let mut response = Sse::new(follower.stream()).into_response();
    let no_cache = HeaderValue::from_static("no-cache");
    response.headers_mut().insert(CACHE_CONTROL, no_cache);
    Ok(response)
}

/// Follows the decisions of one mapping. Holds no more than the engine remembers anyway: a reader that
/// falls behind is told how many decisions it missed.
struct Follower {
    api: Api,
    mapping: Uuid,
    backlog: VecDeque<Event>,
    /// The sequence number up to which everything is told, or in the backlog.
    told: u64,
    live: Receiver<Event>,
    heartbeat: Interval,
    ended: bool,
    /// Frees the place of this stream.
    #[expect(dead_code, reason = "held for its drop")]
    permit: OwnedSemaphorePermit,
}

impl Follower {
    fn stream(self) -> impl Stream<Item = Result<sse::Event, Infallible>> {
        stream::unfold(self, |mut follower| async move {
            let event = follower.next().await?;
            Some((Ok(event), follower))
        })
    }

    async fn next(&mut self) -> Option<sse::Event> {
        loop {
            if self.ended {
                return None;
            }
            if let Some(event) = self.backlog.pop_front() {
                return Some(decision(&event));
            }
            let stopping = self.api.stopping.clone();
            tokio::select! {
                biased;
                () = stopping.cancelled() => return Some(self.end("the server stops")),
                received = self.live.recv() => match received {
                    Ok(event) if event.mapping == self.mapping && event.sequence > self.told => {
                        self.told = event.sequence;
                        return Some(decision(&event));
                    }
                    Ok(_) => {}
                    Err(RecvError::Lagged(_)) => {
                        if let Some(gap) = self.catch_up() {
                            return Some(gap);
                        }
                    }
                    Err(RecvError::Closed) => return Some(self.end("the engine stops")),
                },
                _ = self.heartbeat.tick() => {
                    if self.api.engine.get(self.mapping).is_err() {
                        return Some(self.end("the mapping is gone"));
                    }
                    return Some(sse::Event::default().comment("alive"));
                }
            }
        }
    }

    /// Continues with what the engine still remembers; tells of what it does not.
    fn catch_up(&mut self) -> Option<sse::Event> {
        let remembered = self.api.engine.recent(self.mapping)?;
        let first = remembered
            .iter()
            .find(|event| event.sequence > self.told)?
            .sequence;
        let missed = first - self.told - 1;
        let new = remembered
            .into_iter()
            .filter(|event| event.sequence > self.told);
        self.backlog = new.collect();
        self.told = self
            .backlog
            .back()
            .map_or(self.told, |event| event.sequence);
        let text = format!("{{\"missed\":{missed}}}");
        (missed > 0).then(|| sse::Event::default().event("gap").data(text))
    }

    fn end(&mut self, because: &str) -> sse::Event {
        self.ended = true;
        let text = format!("{{\"because\":\"{because}\"}}");
        sse::Event::default().event("end").data(text)
    }
}

fn decision(event: &Event) -> sse::Event {
    // A decision is texts and numbers, which always make JSON.
    let text = serde_json::to_string(event).unwrap_or_default();
    sse::Event::default()
        .id(event.sequence.to_string())
        .event("decision")
        .data(text)
}
