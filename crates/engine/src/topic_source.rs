//! The ports through which topics are read, by members of a consumer group.

use std::sync::Arc;

use async_trait::async_trait;
use lambda_esm_core::fault::{SourceError, SourceErrorKind};

use crate::ports::FailureDestination;

pub use lambda_esm_core::topic::{
    Assignment, GroupEvent, JoinRequest, OwnedPartition, PartitionOffset, TopicFetch, TopicPage,
    Watermarks,
};

/// A topic whose partitions a consumer group shares among its members.
#[async_trait]
pub trait TopicSource: Send + Sync + 'static {
    /// Becomes a member of a consumer group. What does not answer is asked on and on: the consumer tells of it as a
    /// [problem](GroupEvent::Problem). Fails only for what will not change by itself, as a setting that makes no sense.
    async fn join(&self, request: JoinRequest) -> Result<Arc<dyn TopicConsumer>, SourceError>;

    /// Returns the `host:port` of the cluster's servers, separated by commas, as the events of an Amazon MSK cluster show
    /// them.
    fn bootstrap_servers(&self) -> String {
        String::new()
    }

    /// Returns another topic of the same cluster, as an on-failure destination: the body of a record becomes the value of
    /// a message, under its [key](crate::ports::FailureRecord::key).
    ///
    /// # Errors
    /// Fails if the cluster takes no messages.
    async fn destination(&self, topic: &str) -> Result<Arc<dyn FailureDestination>, SourceError> {
        let text = format!("this source takes no messages, and so none for the topic {topic}");
        Err(SourceError::new(SourceErrorKind::Fatal, text))
    }
}

/// A member of a consumer group that reads one topic. It is a member until it is dropped or has
/// [left](Self::leave), however long its caller takes between two calls.
///
/// What follows is promised to the engine, and checked by the `topic_source_contract` of the feature `contract`:
///
/// * A partition has one owner in the group at a time, who hears of it by [`next_event`](Self::next_event); only that
///   one reads it and commits its offsets. A partition that is added to the topic is assigned, too.
/// * The records of an assigned partition are delivered in the order of their offsets, each once in an epoch, without
///   gaps but those of the log: from the committed offset on, or where
///   [`beginning`](lambda_esm_core::topic::beginning()) says. Where the log no longer holds that offset, from its oldest
///   record on; offsets that go back mean that the topic was made anew.
/// * A record whose offset is below a committed one is not delivered under a later epoch, and every other one is,
///   while the topic holds it.
#[async_trait]
pub trait TopicConsumer: Send + Sync + 'static {
    /// Waits for what happens to the group next, and returns it. Events come in their order, each once. The future may
    /// be dropped while it waits, without losing one. Called by one task at a time.
    async fn next_event(&self) -> GroupEvent;

    /// Reads on in one partition: answers at once with what is there, and else waits up to `request.wait` for a record.
    /// Called once at a time for each partition. The future is dropped only when the mapping stops.
    ///
    /// Fails with [`Expired`](lambda_esm_core::fault::SourceErrorKind::Expired) if the partition is not owned under that
    /// epoch.
    async fn fetch(&self, request: TopicFetch) -> Result<TopicPage, SourceError>;

    /// Commits offsets, of several partitions at once. Durable when it returns `Ok`; with an error each may be or not.
    ///
    /// Fails with `Expired` if a partition is not owned under its epoch, and with
    /// [`Throttled`](lambda_esm_core::fault::SourceErrorKind::Throttled) while the group is being rebalanced: then the
    /// partition is lost soon, or the same commit succeeds.
    async fn commit(&self, offsets: Vec<PartitionOffset>) -> Result<(), SourceError>;

    /// Lets go of partitions that the group asked for ([`GroupEvent::Revoking`]), once the offsets are committed which are
    /// given for some of them. They are lost when this returns, also if it failed, and no event tells so.
    ///
    /// What is not let go of within the group's bound is lost, with an event.
    async fn let_go(
        &self,
        partitions: Vec<OwnedPartition>,
        offsets: Vec<PartitionOffset>,
    ) -> Result<(), SourceError>;

    /// Returns what the logs of the owned partitions hold, as far as that is known without waiting long: at most some
    /// seconds old.
    async fn watermarks(&self) -> Result<Vec<Watermarks>, SourceError>;

    /// Leaves the group: its partitions go to the others at once. What is committed stays. Waits some seconds at most.
    async fn leave(&self);
}
