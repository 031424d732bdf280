//! The decisions of one mapping as server-sent events, from the past into the present.

use std::collections::VecDeque;
use std::convert::Infallible;

use axum::response::sse;
use futures::{Stream, stream as streams};
use lambda_esm_engine::{Event, Events, Heard};
use serde::Serialize;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Interval, interval};
use uuid::Uuid;

use super::entry::Entry;
use super::selection::Selection;
use crate::state::Api;

/// Tells every decision once and in order. Holds no more than the engine remembers anyway: a reader
/// that falls behind is told how many decisions it missed.
pub(super) struct DecisionStream {
    api: Api,
    mapping: Uuid,
    /// How many decisions nobody remembers any more, and that is not told yet.
    missed: u64,
    backlog: VecDeque<Event>,
    /// The sequence number up to which everything is told, or in the backlog.
    told: u64,
    live: Events,
    heartbeat: Interval,
    ended: bool,
    /// Counts among the event streams that may be open.
    #[expect(dead_code, reason = "held for its drop")]
    permit: OwnedSemaphorePermit,
}

/// One event of a stream.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(super) enum StreamEvent {
    /// A decision.
    Decision(Entry),
    /// So many decisions are missing here.
    Gap { missed: u64 },
    /// Nothing more comes.
    End { because: &'static str },
    /// The stream is alive.
    Heartbeat,
}

impl From<StreamEvent> for sse::Event {
    fn from(told: StreamEvent) -> Self {
        // Texts and numbers always make JSON.
        let data = serde_json::to_string(&told).unwrap_or_default();
        match told {
            StreamEvent::Decision(Entry(event)) => Self::default()
                .id(event.sequence.to_string())
                .event("decision")
                .data(data),
            StreamEvent::Gap { .. } => Self::default().event("gap").data(data),
            StreamEvent::End { .. } => Self::default().event("end").data(data),
            StreamEvent::Heartbeat => Self::default().comment("alive"),
        }
    }
}

impl DecisionStream {
    /// Follows what `live` receives. Must be within a tokio runtime.
    pub(super) fn new(api: Api, mapping: Uuid, live: Events, permit: OwnedSemaphorePermit) -> Self {
        let heartbeat = interval(api.options.limits.heartbeat);
        Self {
            api,
            mapping,
            missed: 0,
            backlog: VecDeque::new(),
            told: 0,
            live,
            heartbeat,
            ended: false,
            permit,
        }
    }

    /// Begins with what is asked for of the past, which must be younger than the receiver.
    pub(super) fn after(mut self, past: Vec<Event>, selected: Selection) -> Self {
        self.told = past.last().map_or(0, |event| event.sequence);
        if selected == Selection::default() {
            return self;
        }
        if selected.last.is_none() {
            let first = past.first().map_or(0, |event| event.sequence);
            let after = selected.after.filter(|after| *after <= self.told);
            self.missed = first.saturating_sub(after.unwrap_or(0) + 1);
        }
        self.backlog = selected.cut(past).into();
        self
    }

    pub(super) fn server_sent(self) -> impl Stream<Item = Result<sse::Event, Infallible>> {
        streams::unfold(self, |mut stream| async move {
            let told = stream.next().await?;
            Some((Ok(told.into()), stream))
        })
    }

    async fn next(&mut self) -> Option<StreamEvent> {
        loop {
            if self.ended {
                return None;
            }
            if self.missed > 0 {
                let missed = std::mem::take(&mut self.missed);
                return Some(StreamEvent::Gap { missed });
            }
            if let Some(event) = self.backlog.pop_front() {
                return Some(StreamEvent::Decision(Entry(event)));
            }
            let stopping = self.api.stopping.clone();
            tokio::select! {
                biased;
                () = stopping.cancelled() => return Some(self.end("the server stops")),
                heard = self.live.next() => match heard {
                    Some(Heard::Event(event))
                        if event.mapping == self.mapping && event.sequence > self.told =>
                    {
                        self.told = event.sequence;
                        return Some(StreamEvent::Decision(Entry(event)));
                    }
                    Some(Heard::Missed(_)) => self.catch_up(),
                    Some(_) => {}
                    None => return Some(self.end("the engine stops")),
                },
                _ = self.heartbeat.tick() => {
                    if self.api.engine.get(self.mapping).is_err() {
                        return Some(self.end("the mapping is gone"));
                    }
                    return Some(StreamEvent::Heartbeat);
                }
            }
        }
    }

    /// Continues with what the engine still remembers.
    fn catch_up(&mut self) {
        let mut new = self.api.engine.recent(self.mapping).unwrap_or_default();
        new.retain(|event| event.sequence > self.told);
        if let (Some(first), Some(last)) = (new.first(), new.last()) {
            self.missed = first.sequence - self.told - 1;
            self.told = last.sequence;
            self.backlog = new.into();
        }
    }

    const fn end(&mut self, because: &'static str) -> StreamEvent {
        self.ended = true;
        StreamEvent::End { because }
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use lambda_esm_engine::functions::Closure;
    use lambda_esm_engine::memory::{MemoryQueue, MemoryQueueOptions, SendMessage};
    use lambda_esm_engine::{Clock, Engine};
    use serde_json::json;
    use tokio_util::sync::CancellationToken;

    use super::*;
    use crate::options::ApiOptions;

    struct Mapped {
        api: Api,
        queue: MemoryQueue,
        mapping: Uuid,
    }

    impl Mapped {
        async fn new() -> Self {
            let clock = Clock::system();
            let queue = MemoryQueue::new(clock, MemoryQueueOptions::default());
            let engine = Engine::builder()
                .clock(clock)
                .source("orders", queue.clone())
                .invoke(Closure::new(|_| async { Ok(Bytes::from("null")) }))
                .build();
            let request = json!({
                "EventSourceArn": "arn:aws:sqs:us-east-1:000000000000:orders",
                "FunctionName": "f",
                "BatchSize": 1,
            });
            let request = serde_json::from_value(request).unwrap();
            let created = engine.create(request).await.unwrap();
            let options = ApiOptions::new("127.0.0.1:0".parse().unwrap());
            Self {
                api: Api::new(engine, options, CancellationToken::new()),
                queue,
                mapping: created.uuid.parse().unwrap(),
            }
        }

        /// Has `count` more messages processed; returns the number of decisions so far.
        async fn process(&self, count: u64) -> u64 {
            let deleted = || {
                let status = self.api.engine.mapping_status(self.mapping).unwrap();
                status.counts.deleted_event_count
            };
            let before = deleted();
            for _ in 0..count {
                self.queue.send(SendMessage::new("{}")).unwrap();
            }
            while deleted() < before + count {
                tokio::time::sleep(std::time::Duration::from_millis(10)).await;
            }
            let recent = self.api.engine.recent(self.mapping).unwrap();
            recent.last().unwrap().sequence
        }

        fn follow(&self) -> DecisionStream {
            let permit = self.api.streams.clone().try_acquire_owned().unwrap();
            DecisionStream::new(
                self.api.clone(),
                self.mapping,
                self.api.engine.events(),
                permit,
            )
        }

        fn past(&self) -> Vec<Event> {
            self.api.engine.recent(self.mapping).unwrap()
        }
    }

    async fn told(stream: &mut DecisionStream) -> StreamEvent {
        loop {
            match stream.next().await.unwrap() {
                StreamEvent::Heartbeat => {}
                other => return other,
            }
        }
    }

    async fn expect(stream: &mut DecisionStream, sequences: std::ops::RangeInclusive<u64>) {
        for expected in sequences {
            match told(stream).await {
                StreamEvent::Decision(Entry(event)) => assert_eq!(event.sequence, expected),
                other => panic!("{other:?} in place of decision {expected}"),
            }
        }
    }

    fn after(sequence: u64) -> Selection {
        Selection {
            after: Some(sequence),
            ..Selection::default()
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_in_the_past_and_live_is_told_once() {
        let mapped = Mapped::new().await;
        mapped.process(2).await;
        let stream = mapped.follow();
        let middle = mapped.process(3).await;
        let mut stream = stream.after(mapped.past(), after(1));
        let end = mapped.process(1).await;
        assert!(middle < end);
        expect(&mut stream, 2..=end).await;
    }

    #[tokio::test(start_paused = true)]
    async fn a_reader_that_falls_behind_is_told_how_much_it_missed() {
        let mapped = Mapped::new().await;
        let mut stream = mapped.follow().after(mapped.past(), Selection::default());
        let end = mapped.process(2000).await;
        let remembered = mapped.past().len() as u64;
        assert!(end > 4096, "{end} decisions fit in the channel");
        let StreamEvent::Gap { missed } = told(&mut stream).await else {
            panic!("the gap is not told");
        };
        assert_eq!(missed, end - remembered);
        expect(&mut stream, missed + 1..=end).await;
        let more = mapped.process(1).await;
        expect(&mut stream, end + 1..=more).await;
    }

    #[tokio::test(start_paused = true)]
    async fn a_resumed_reader_is_told_what_nobody_remembers() {
        let mapped = Mapped::new().await;
        let end = mapped.process(1000).await;
        let past = mapped.past();
        let first = past[0].sequence;
        assert!(first > 10, "everything is remembered");
        let mut stream = mapped.follow().after(past, after(7));
        let StreamEvent::Gap { missed } = told(&mut stream).await else {
            panic!("the gap is not told");
        };
        assert_eq!(missed, first - 8);
        expect(&mut stream, first..=end).await;
    }
}
