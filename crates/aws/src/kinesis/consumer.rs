//! One consumer of a Kinesis stream, to which records are pushed with a throughput of its own.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use lambda_esm_core::fault::{SourceError, SourceErrorKind};
use lambda_esm_engine::ports::{Cursor, FetchRequest, Listing, Page, ShardId, Start, StreamSource};
use tokio::sync::Semaphore;

use super::event_stream::EventStream;
use super::name::KinesisName;
use super::start::KinesisStart;
use super::stream::{KinesisStream, PATIENCE, unbuildable};
use super::subscription::Subscription;
use crate::response_limit::room;

/// How long a fetch waits for an event; our choice.
const LONGEST_WAIT: Duration = Duration::from_secs(5);
/// How often an idle shard is read. The reads wait, so this only bounds what a server costs that answers
/// at once.
const BASE_INTERVAL: Duration = Duration::from_millis(50);
/// How long a subscription is held that nobody reads. The shards share one HTTP/2 connection, and what
/// waits there for one of them takes up the others' room. It is not shorter because after a new
/// subscription the next one is refused for five seconds (Kinesis API reference, `SubscribeToShard`).
const IDLE: Duration = Duration::from_secs(5);

/// A consumer of a Kinesis stream with enhanced fan-out.
///
/// A cursor says by itself where to subscribe from: it holds a sequence number. Beyond that at most one
/// subscription per shard is kept alive, and the one event that was received last; a fetch at the place
/// where the last one ended goes on with them, a fetch at any other place subscribes anew.
#[derive(Debug)]
pub struct KinesisConsumer {
    stream: KinesisStream,
    /// Those that no fetch has in use.
    subscriptions: Mutex<HashMap<ShardId, Subscription>>,
    /// For the long events of all shards.
    room: Arc<Semaphore>,
}

impl KinesisConsumer {
    /// Returns the consumer that `stream` names. Its client should serve no other source: see [`IDLE`].
    pub(super) fn new(stream: KinesisStream) -> Self {
        Self {
            stream,
            subscriptions: Mutex::default(),
            room: room(),
        }
    }

    /// Returns the consumer's and its stream's names.
    #[must_use]
    pub fn name(&self) -> &KinesisName {
        self.stream.name()
    }

    fn subscriptions(&self) -> MutexGuard<'_, HashMap<ShardId, Subscription>> {
        self.subscriptions
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes what is kept of `shard`, and disconnects others that nobody reads.
    fn take(&self, shard: &ShardId) -> Option<Subscription> {
        let mut subscriptions = self.subscriptions();
        let taken = subscriptions.remove(shard);
        hang_up(&mut subscriptions);
        taken
    }

    fn keep(&self, shard: ShardId, subscription: Subscription) {
        self.subscriptions().insert(shard, subscription.set_aside());
    }

    async fn subscribe(
        &self,
        shard: &ShardId,
        start: &KinesisStart,
    ) -> Result<EventStream, SourceError> {
        let start = start.starting_position();
        let request = self
            .stream
            .client
            .subscribe_to_shard()
            .consumer_arn(self.stream.name.arn().as_str())
            .shard_id(shard.as_str())
            .starting_position(start.map_err(|error| unbuildable(&error))?);
        let call = self.stream.call("SubscribeToShard");
        let send = |tap| request.customize().interceptor(tap).send();
        let opened = call.opened(PATIENCE, send).await?;
        Ok(EventStream::new(opened, Arc::clone(&self.room)))
    }
}

#[async_trait]
impl StreamSource for KinesisConsumer {
    async fn list(&self) -> Result<Listing, SourceError> {
        // Before the request, since the answer needs room on the connection too.
        hang_up(&mut self.subscriptions());
        let listing = self.stream.list().await?;
        let listed: HashSet<&ShardId> = listing.shards.iter().map(|shard| &shard.id).collect();
        self.subscriptions()
            .retain(|shard, _| listed.contains(shard));
        Ok(Listing::new(
            listing
                .facts
                .with_base_interval(BASE_INTERVAL)
                // It has no such quota: records are pushed.
                .with_reads_per_second(None)
                .with_longest_wait(LONGEST_WAIT),
            listing.shards,
        )
        .with_server_time(listing.server_time))
    }

    /// Subscribes. After the newest record is a place only in the moment of the subscription; so there it
    /// waits for the first event, which says what place that is.
    async fn open(&self, shard: &ShardId, from: &Start) -> Result<Cursor, SourceError> {
        drop(self.take(shard));
        let mut subscription = Subscription::at(KinesisStart::try_from(from)?);
        subscription.connect(self.subscribe(shard, subscription.next()).await?);
        if *subscription.next() == KinesisStart::Latest {
            let call = self.stream.call("SubscribeToShard");
            subscription.wait(LONGEST_WAIT, call).await?;
        }
        let cursor = subscription.cursor();
        self.keep(shard.clone(), subscription);
        Ok(cursor)
    }

    async fn fetch(&self, request: FetchRequest) -> Result<Page, SourceError> {
        let call = self.stream.call("SubscribeToShard");
        let Ok(start) = request.cursor.0.parse::<KinesisStart>() else {
            return Err(SourceError::new(
                SourceErrorKind::Expired,
                format!("`{}` is no place of a consumer", request.cursor.0),
            ));
        };
        let kept = self.take(&request.shard);
        let mut subscription = kept
            .filter(|kept| *kept.next() == start)
            .unwrap_or_else(|| Subscription::at(start));
        if !subscription.is_ready() {
            if !subscription.is_live() {
                let next = subscription.next();
                subscription.connect(self.subscribe(&request.shard, next).await?);
            }
            subscription
                .wait(request.wait.min(LONGEST_WAIT), call)
                .await?;
        }
        let page = subscription.page(request.limit.max(1));
        if page.next.is_some() {
            self.keep(request.shard, subscription);
        }
        Ok(page)
    }
}

/// Disconnects those that nobody reads. What they have in hand stays.
fn hang_up(subscriptions: &mut HashMap<ShardId, Subscription>) {
    for subscription in subscriptions.values_mut() {
        subscription.hang_up_after(IDLE);
    }
}
