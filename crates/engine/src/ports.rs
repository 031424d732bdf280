//! The traits through which the engine meets the outside: where batches come from and where they go.
//!
//! Implementations do one step when asked. They never loop, sleep, retry or batch: that is the
//! machine's and the driver's business, so that every source follows the same rules.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use lambda_esm_core::decision::BatchId;
use lambda_esm_core::fault::{DeliveryError, InvokeError, SourceError, SourceErrorKind};
use lambda_esm_core::mapping::{AwsDestination, FunctionRef, Mapping};
use lambda_esm_core::setters;
use uuid::Uuid;

pub use crate::producer::{NewRecord, Producer, PutLimits};
pub use crate::push_queue_source::{
    ConsumeRequest, DeliveryOutcome, DeliveryTag, Outcome, PushQueueConsumer, PushQueueSource,
    PushedMessage,
};
pub use crate::topic_source::{
    Assignment, GroupEvent, JoinRequest, OwnedPartition, PartitionOffset, TopicConsumer,
    TopicFetch, TopicPage, TopicSource, Watermarks,
};
pub use lambda_esm_core::on_failure_record::FailureRecord;
pub use lambda_esm_core::queue::{
    QueueFacts, ReceiveRequest, Received, SettleVerb, Settlement, UnreadableMessage,
};
pub use lambda_esm_core::response::{InvokeAnswer, Run};
pub use lambda_esm_core::stream::{
    Cursor, FetchRequest, Listing, Page, Shard, ShardId, Start, StreamFacts,
};

/// A queue whose messages stay hidden from other consumers until they are settled or their visibility timeout
/// ends: one of SQS, or a topic that a share group makes one.
///
/// What follows is promised to the engine, and checked by the `queue_source_contract` of the feature `contract`;
/// what a queue with message groups promises on top, by its `fifo_contract`.
///
/// * A body, message attributes, their MD5s and a group are delivered as they were sent. A message has the same
///   id on each delivery, and no other has it. Each delivery has a receipt of its own. `ApproximateReceiveCount`
///   is 1 at the first delivery and grows by 1 with each.
/// * A received message stays hidden until it is settled or its visibility timeout ends, and comes back when that
///   ends.
/// * The messages of a group are delivered in the order in which they were sent. A group with a message in flight
///   is blocked, and no other group is. A message that is released, or whose visibility timeout ends, comes
///   before those that were sent after it.
#[async_trait]
pub trait QueueSource: Send + Sync + 'static {
    /// Returns the facts about the queue that the rules depend on: the same each time, until somebody changes the
    /// queue. Fails with [`NotFound`](lambda_esm_core::fault::SourceErrorKind::NotFound) if there is no such queue, and
    /// with [`Unsupported`](lambda_esm_core::fault::SourceErrorKind::Unsupported) if its server has nothing of the kind,
    /// as brokers without share groups: that disables the mapping.
    async fn describe(&self) -> Result<QueueFacts, SourceError>;

    /// Receives up to `request.max` messages, and waits up to `request.wait` for the first one.
    ///
    /// A receive that finds a message does not wait for more; one that waits answers as soon as a message is sent,
    /// released, or no longer hidden. Of receives at the same time each message goes to one. An empty answer is no
    /// error, and one message that makes no sense does not spoil the others: it is told of
    /// as [unreadable](Received::unreadable). The implementation clamps `max` and `wait` to what its server
    /// allows, and answers within a bound beyond the wait. Unless it
    /// [is cancel safe](Self::receive_is_cancel_safe), the engine waits for the answer also when the mapping stops,
    /// and when it is dropped itself; only with the runtime does the returned future end early, which must not
    /// lose messages for longer than their visibility.
    async fn receive(&self, request: ReceiveRequest) -> Result<Received, SourceError>;

    /// Tells whether the future of [`receive`](Self::receive) may be dropped while it waits, since it takes no
    /// message before it is ready: every message can be received at once, with no receive counted, also one that
    /// comes at that very moment, and a receive that still waits gets it. Then a mapping that stops need not wait for
    /// it. That is true of a queue within the process, and never of a server.
    fn receive_is_cancel_safe(&self) -> bool {
        false
    }

    /// Settles up to [`QueueFacts::settle_limit`] deliveries. A deleted message does not come back, a released
    /// one is there at once, and no other message changes.
    ///
    /// Returns one result for each settlement, in the same order. The outer error means that the
    /// outcome of all of them is unknown; the driver then tries again. Settling nothing gives no results. An
    /// unknown receipt fails with [`Expired`](lambda_esm_core::fault::SourceErrorKind::Expired). Settling again,
    /// or by the receipt of an earlier delivery, succeeds or fails with `Expired`: only the receipt of the latest
    /// delivery is sure to do anything.
    async fn settle(
        &self,
        settlements: &[Settlement],
    ) -> Result<Vec<Result<(), SourceError>>, SourceError>;

    /// Returns how many records of each partition a share group has not yet done with; empty for a queue that does not
    /// say. Asked every few seconds.
    async fn lags(&self) -> Result<Vec<u64>, SourceError> {
        Ok(Vec::new())
    }

    /// Returns a topic of the same cluster, as an on-failure destination: the body of a record becomes the value of a
    /// message, under its [key](FailureRecord::key).
    ///
    /// # Errors
    /// Fails if the source takes no messages.
    async fn destination(&self, topic: &str) -> Result<Arc<dyn FailureDestination>, SourceError> {
        let text = format!("this source takes no messages, and so none for the topic {topic}");
        Err(SourceError::new(SourceErrorKind::Fatal, text))
    }

    /// Ends what the source keeps open with its server, when a mapping's polling has ended: what was delivered and is
    /// not settled may go to others at once, and a share group is left. Waits some seconds at most. A receive that is
    /// still open may end afterwards, and what it brings is released, if that can be done. Whoever keeps the source may
    /// have it polled again, which is to begin anew.
    async fn close(&self) {}
}

/// An ordered log in shards, which keeps its records whoever reads them.
///
/// Every record that is put is read, as it was put: its data, its key, and the time of its arrival by the stream's
/// clock. The records of a key are in one shard, in the order in which they were put; where shards are split or
/// merged, that order goes on from parents to children. Every call is answered, whatever other calls are under way.
/// The feature `contract` has all these promises as tests, which name them in the same words.
#[async_trait]
pub trait StreamSource: Send + Sync + 'static {
    /// Returns what the stream says about itself, and all shards that are open or still hold records, each once.
    /// Fails with [`NotFound`](lambda_esm_core::fault::SourceErrorKind::NotFound) if there is no such stream.
    ///
    /// The identity stays the same, until the stream is made anew. The open shards share all hash keys, if there
    /// are any. A shard that takes no more records is listed as closed, and the shards that follow it with it as
    /// their parent; they take just the hash keys of their parents.
    async fn list(&self) -> Result<Listing, SourceError>;

    /// Returns the position in `shard` at which to fetch. After the newest record is a place as of this call: what
    /// is put before the first fetch is not passed over.
    ///
    /// Fails with [`Trimmed`](lambda_esm_core::fault::SourceErrorKind::Trimmed) if the stream no longer holds the
    /// record to begin after, nor the next one (or else the first fetch does): what is lost is not passed over in
    /// silence. Fails with `NotFound` if the stream has no such shard, or has it no longer.
    async fn open(&self, shard: &ShardId, from: &Start) -> Result<Cursor, SourceError>;

    /// Reads up to `request.limit` records. Answers at once with what is there, if only an empty page;
    /// a source that has records pushed to it may wait up to `request.wait` for the first one.
    ///
    /// Pages follow one another: they leave nothing out and repeat nothing. An open shard has no end; a closed
    /// shard gives all its records before it ends, and then it ends. A page is no further
    /// [behind](Page::behind) than its oldest record is old, and by zero only where no record follows it.
    ///
    /// Never holds more than the source is able to give, whatever a server sends. A record that makes no sense is
    /// returned as [unreadable](lambda_esm_core::record::StreamContent::Unreadable), in its place.
    ///
    /// The same position may be fetched again, and gives the same records as long as the stream holds
    /// them. Fails with [`Expired`](lambda_esm_core::fault::SourceErrorKind::Expired) if the position was
    /// good once and is no longer; the caller then opens the shard anew. A position before the oldest record fails
    /// so, too, or with `Trimmed`.
    async fn fetch(&self, request: FetchRequest) -> Result<Page, SourceError>;
}

/// Takes the records of discarded batches.
///
/// The feature `contract` has its promises as a test, `contract::destination_contract`.
#[async_trait]
pub trait FailureDestination: Send + Sync + 'static {
    /// Delivers one record, its body byte for byte and under its object key as it is, where it has one. It is kept
    /// safe when this returns `Ok`.
    ///
    /// Called for several records at a time, and again for one whose delivery failed or was not answered: the same
    /// record may come twice. A record whose future is dropped may come or not, and stops no later one.
    async fn deliver(&self, record: FailureRecord) -> Result<(), DeliveryError>;
}

/// Runs functions. Called for one batch at a time and from many tasks at once.
///
/// The feature `contract` has its promises as a test, `contract::backend_contract`.
#[async_trait]
pub trait InvokeBackend: Send + Sync + 'static {
    /// Invokes the function synchronously with one event, and returns its answer: the payload and, where
    /// it is known, which run it comes from. Both go byte for byte.
    ///
    /// It always ends: a function that takes longer than its timeout has failed then. One that does not end is given
    /// up when the function's [timeout](FunctionFacts::timeout) and the engine's
    /// [grace](crate::EngineOptions::answer_grace) are over, a try that failed, and the returned future is dropped.
    ///
    /// What is more than the function can run at a time is throttled or waits in line. An invocation that is over gives
    /// its place back; also one whose future is dropped, at once or when the call has ended where it went to, after
    /// 900 s at the latest.
    ///
    /// # Errors
    /// The kind decides what happens to the batch; see
    /// [`InvokeErrorKind`](lambda_esm_core::fault::InvokeErrorKind).
    async fn invoke(&self, request: InvokeRequest) -> Result<InvokeAnswer, InvokeError>;

    /// Returns what is known about a function, the same as long as it is not changed. Fails with
    /// [`NotFound`](lambda_esm_core::fault::InvokeErrorKind::NotFound) if there is no such function.
    async fn describe(&self, function: &FunctionRef) -> Result<FunctionFacts, InvokeError>;
}

/// One invocation.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct InvokeRequest {
    /// The function to run.
    pub function: Arc<FunctionRef>,
    /// The event: one JSON document of at most 6 MB.
    pub payload: Bytes,
    /// How many bytes of the event are counted and not written: 0 unless the engine's
    /// [`event_detail`](crate::EngineOptions::event_detail) says otherwise.
    pub unwritten: usize,
    /// The mapping that asks for it; nil in a request that comes from none.
    pub mapping: Uuid,
    /// What the event's records come from: an ARN, or bootstrap servers.
    pub source: Arc<str>,
    /// The batch, as the mapping's decisions name it; `None` in a request that comes from none.
    pub batch: Option<BatchId>,
    /// Which try of the batch it is, as [`Decision::Invoked`](lambda_esm_core::decision::Decision::Invoked) says; 1 for
    /// the first.
    pub attempt: u32,
}

impl InvokeRequest {
    /// Returns a request that comes from no mapping.
    pub fn new(function: impl Into<Arc<FunctionRef>>, payload: impl Into<Bytes>) -> Self {
        Self {
            function: function.into(),
            payload: payload.into(),
            unwritten: 0,
            mapping: Uuid::nil(),
            source: Arc::from(""),
            batch: None,
            attempt: 1,
        }
    }
}

setters!(InvokeRequest {
    with_unwritten sets unwritten: usize,
    with_mapping sets mapping: Uuid,
    with_source sets source: Arc<str>,
    with_batch sets batch: Option<BatchId>,
    with_attempt sets attempt: u32,
});

/// What a backend knows of a function; `None` where it cannot tell.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct FunctionFacts {
    /// The function's timeout, more than 0 and at most 900 s; where it is not known, that is taken.
    pub timeout: Option<Duration>,
    /// How many invocations it can run at a time, without being throttled: at least 1. All mappings of an engine
    /// together send it no more.
    pub concurrency: Option<usize>,
}

setters!(FunctionFacts {
    with_timeout sets timeout: Option<Duration>,
    with_concurrency sets concurrency: Option<usize>,
});

/// Finds the source of a mapping: by name among those an embedder registered, or by making a client.
#[async_trait]
pub trait SourceProvider: Send + Sync + 'static {
    /// Returns the queue of `mapping`, or `None` if this provider does not serve it: that of SQS, or of a Kafka mapping in
    /// Queue mode its share group. A share group is joined when something is first asked of it, not
    /// before.
    ///
    /// # Errors
    /// Fails if the mapping's source is served here but cannot be reached with what is configured.
    async fn queue(&self, mapping: &Mapping) -> Result<Option<Arc<dyn QueueSource>>, SourceError> {
        let _ = mapping;
        Ok(None)
    }

    /// Returns the stream of `mapping`, or `None` if this provider does not serve it.
    ///
    /// # Errors
    /// Fails if the mapping's source is served here but cannot be reached with what is configured.
    async fn stream(
        &self,
        mapping: &Mapping,
    ) -> Result<Option<Arc<dyn StreamSource>>, SourceError> {
        let _ = mapping;
        Ok(None)
    }

    /// Returns the topic of `mapping`, or `None` if this provider does not serve it.
    ///
    /// # Errors
    /// Fails if the mapping's source is served here but cannot be reached with what is configured.
    async fn topic(&self, mapping: &Mapping) -> Result<Option<Arc<dyn TopicSource>>, SourceError> {
        let _ = mapping;
        Ok(None)
    }

    /// Returns the broker's queue of `mapping`, or `None` if this provider does not serve it.
    ///
    /// # Errors
    /// Fails if the mapping's source is served here but cannot be reached with what is configured.
    async fn push_queue(
        &self,
        mapping: &Mapping,
    ) -> Result<Option<Arc<dyn PushQueueSource>>, SourceError> {
        let _ = mapping;
        Ok(None)
    }
}

/// Finds on-failure destinations: by name among those an embedder registered, or by making a client.
#[async_trait]
pub trait DestinationProvider: Send + Sync + 'static {
    /// Returns the destination, or `None` if this provider does not serve it.
    ///
    /// # Errors
    /// Fails if it is served here but cannot be reached with what is configured.
    async fn destination(
        &self,
        destination: &AwsDestination,
    ) -> Result<Option<Arc<dyn FailureDestination>>, DeliveryError>;
}
