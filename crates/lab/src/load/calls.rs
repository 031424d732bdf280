//! How often real sources are asked, and how long that takes.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use lambda_esm_core::fault::SourceError;
use lambda_esm_core::mapping::Mapping;
use lambda_esm_engine::ports::{
    Cursor, FetchRequest, Listing, Page, PushQueueSource, QueueFacts, QueueSource, ReceiveRequest,
    Received, SettleVerb, Settlement, ShardId, SourceProvider, Start, StreamSource, TopicSource,
};
use tokio::time::Instant;

use crate::recorder::Durations;
use crate::report::Summary;

/// What one source was asked.
#[derive(Debug, Default)]
pub(super) struct Calls {
    /// By name, as in a simulation.
    pub(super) made: BTreeMap<String, u64>,
    /// Those that asked for records and got none.
    pub(super) empty: u64,
    /// How long those took that do not wait for records, in microseconds.
    took: Durations,
}

impl Calls {
    fn count(&mut self, name: &str) {
        match self.made.get_mut(name) {
            Some(times) => *times += 1,
            None => drop(self.made.insert(name.to_owned(), 1)),
        }
    }

    fn took(&mut self, time: Duration) {
        self.took
            .add(u64::try_from(time.as_micros()).unwrap_or(u64::MAX));
    }

    /// Returns how long calls took that do not wait for records, in milliseconds.
    pub(super) fn call_time(&self) -> Summary {
        let micros = self.took.summary();
        Summary {
            count: micros.count,
            min: micros.min / 1000.0,
            mean: micros.mean / 1000.0,
            p50: micros.p50 / 1000.0,
            p90: micros.p90 / 1000.0,
            p99: micros.p99 / 1000.0,
            max: micros.max / 1000.0,
        }
    }
}

/// The calls of all sources, those of one phase at a time.
#[derive(Debug)]
pub(super) struct CallBook {
    sources: Vec<(String, Arc<Mutex<Calls>>)>,
}

impl CallBook {
    /// Returns an empty book of sources by their ARNs.
    pub(super) fn new(arns: impl Iterator<Item = String>) -> Self {
        Self {
            sources: arns.map(|arn| (arn, Arc::default())).collect(),
        }
    }

    /// Takes out what was counted, source by source, and begins anew.
    pub(super) fn take(&self) -> Vec<Calls> {
        let sources = self.sources.iter();
        sources
            .map(|(_, calls)| std::mem::take(&mut *lock(calls)))
            .collect()
    }

    fn of(&self, mapping: &Mapping) -> Option<Arc<Mutex<Calls>>> {
        let name = mapping.source.name();
        let known = self.sources.iter().find(|(arn, _)| *arn == name);
        known.map(|(_, calls)| calls.clone())
    }
}

fn lock(calls: &Mutex<Calls>) -> MutexGuard<'_, Calls> {
    calls.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Finds sources, and has their calls counted.
pub(super) struct CountedSources {
    pub(super) provider: Arc<dyn SourceProvider>,
    pub(super) book: Arc<CallBook>,
}

#[async_trait]
impl SourceProvider for CountedSources {
    async fn queue(&self, mapping: &Mapping) -> Result<Option<Arc<dyn QueueSource>>, SourceError> {
        let found = self.provider.queue(mapping).await?;
        Ok(found.map(|source| match self.book.of(mapping) {
            Some(calls) => Arc::new(CountedQueue { source, calls }),
            None => source,
        }))
    }

    async fn stream(
        &self,
        mapping: &Mapping,
    ) -> Result<Option<Arc<dyn StreamSource>>, SourceError> {
        let found = self.provider.stream(mapping).await?;
        Ok(found.map(|source| match self.book.of(mapping) {
            Some(calls) => Arc::new(CountedStream { source, calls }),
            None => source,
        }))
    }

    async fn topic(&self, mapping: &Mapping) -> Result<Option<Arc<dyn TopicSource>>, SourceError> {
        self.provider.topic(mapping).await
    }

    async fn push_queue(
        &self,
        mapping: &Mapping,
    ) -> Result<Option<Arc<dyn PushQueueSource>>, SourceError> {
        self.provider.push_queue(mapping).await
    }
}

struct CountedQueue {
    source: Arc<dyn QueueSource>,
    calls: Arc<Mutex<Calls>>,
}

#[async_trait]
impl QueueSource for CountedQueue {
    async fn describe(&self) -> Result<QueueFacts, SourceError> {
        self.source.describe().await
    }

    async fn receive(&self, request: ReceiveRequest) -> Result<Received, SourceError> {
        lock(&self.calls).count("receive");
        let received = self.source.receive(request).await;
        if received.as_ref().is_ok_and(|got| got.messages.is_empty()) {
            lock(&self.calls).empty += 1;
        }
        received
    }

    fn receive_is_cancel_safe(&self) -> bool {
        self.source.receive_is_cancel_safe()
    }

    async fn settle(
        &self,
        settlements: &[Settlement],
    ) -> Result<Vec<Result<(), SourceError>>, SourceError> {
        let mut settled = settlements.iter();
        let deletes = settled.any(|one| one.verb == SettleVerb::Delete);
        let name = if deletes {
            "delete"
        } else {
            "change_visibility"
        };
        lock(&self.calls).count(name);
        let begun = Instant::now();
        let answer = self.source.settle(settlements).await;
        lock(&self.calls).took(begun.elapsed());
        answer
    }
}

struct CountedStream {
    source: Arc<dyn StreamSource>,
    calls: Arc<Mutex<Calls>>,
}

#[async_trait]
impl StreamSource for CountedStream {
    async fn list(&self) -> Result<Listing, SourceError> {
        lock(&self.calls).count("list");
        self.source.list().await
    }

    async fn open(&self, shard: &ShardId, from: &Start) -> Result<Cursor, SourceError> {
        lock(&self.calls).count("open");
        self.source.open(shard, from).await
    }

    async fn fetch(&self, request: FetchRequest) -> Result<Page, SourceError> {
        lock(&self.calls).count("fetch");
        let begun = Instant::now();
        let page = self.source.fetch(request).await;
        let mut calls = lock(&self.calls);
        calls.took(begun.elapsed());
        if page.as_ref().is_ok_and(|page| page.records.is_empty()) {
            calls.empty += 1;
        }
        page
    }
}
