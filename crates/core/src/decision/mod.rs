//! What a machine decided, and why: the stuff of logs, metrics and explanations.

mod after_failure;
mod kind;
mod stream_text;
mod text;

pub use after_failure::AfterFailure;
use serde::Serialize;

use crate::batching::CloseReason;
use crate::on_failure_record::Condition;
use crate::stream::ShardId;

/// Names a batch within its mapping; batches are numbered from 1 in the order they were closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct BatchId(pub u64);

/// One decision of a mapping. Message identifiers are given where the mapping's decisions are
/// recorded in detail, and are empty otherwise.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "decision", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Decision {
    /// Messages arrived from the source.
    #[non_exhaustive]
    Polled {
        /// How many.
        messages: usize,
    },
    /// The source could not be read; it is tried again after `retry_ms`, or with 0 all the time.
    #[non_exhaustive]
    PollFailed {
        /// The cause in words.
        error: String,
        /// The wait in milliseconds.
        retry_ms: u64,
    },
    /// Records of a partition cannot be decoded now, since the schema registry cannot be asked; that is tried again after
    /// `retry_ms`, and the partition waits.
    #[non_exhaustive]
    SchemaRegistryFailed {
        /// The partition.
        shard: ShardId,
        /// The cause in words.
        error: String,
        /// The wait in milliseconds.
        retry_ms: u64,
    },
    /// A message matched no filter, and is deleted without an invocation.
    #[non_exhaustive]
    Filtered {
        /// The message.
        message_id: String,
        /// The path and operator that failed.
        because: String,
    },
    /// A batch was closed, and is ready for the function.
    #[non_exhaustive]
    BatchClosed {
        /// The batch.
        batch: BatchId,
        /// The shard whose records it has; of a topic or a broker's queue, the lane. `None` of a queue.
        #[serde(skip_serializing_if = "Option::is_none")]
        shard: Option<ShardId>,
        /// Why it was closed.
        reason: CloseReason,
        /// Its number of records.
        records: usize,
        /// The size of its event in bytes.
        bytes: usize,
        /// Its messages.
        message_ids: Vec<String>,
    },
    /// The function was called.
    #[non_exhaustive]
    Invoked {
        /// The batch.
        batch: BatchId,
        /// 1 for the first try; more after throttling.
        attempt: u32,
        /// Its number of records.
        records: usize,
        /// Of a stream, the age of the batch's last record in milliseconds.
        #[serde(skip_serializing_if = "Option::is_none")]
        iterator_age_ms: Option<u64>,
    },
    /// The function processed the whole batch. Of a queue, its messages are deleted now.
    #[non_exhaustive]
    Succeeded {
        /// The batch.
        batch: BatchId,
        /// Its number of records.
        records: usize,
    },
    /// The function named the messages that it could not process. They return when their visibility
    /// timeout ends; the others are deleted now.
    #[non_exhaustive]
    PartiallyFailed {
        /// The batch.
        batch: BatchId,
        /// How many failed.
        failed: usize,
        /// Of how many.
        records: usize,
        /// The messages that failed.
        message_ids: Vec<String>,
    },
    /// The function failed with the whole batch. Its messages return when their visibility timeout
    /// ends.
    #[non_exhaustive]
    Failed {
        /// The batch.
        batch: BatchId,
        /// Its number of records.
        records: usize,
        /// The function's error.
        error: String,
        /// The messages that failed.
        message_ids: Vec<String>,
    },
    /// The function named failed records, and the mapping does not look: without `ReportBatchItemFailures` in
    /// its `FunctionResponseTypes` the whole batch counts as processed. Told once.
    #[non_exhaustive]
    FailuresIgnored {
        /// The batch.
        batch: BatchId,
        /// How many were named.
        failures: usize,
    },
    /// Failed messages were received as often as the queue's redrive policy allows. The queue moves them
    /// to its dead-letter queue when their visibility timeout ends, instead of delivering them again.
    #[non_exhaustive]
    Exhausted {
        /// The batch.
        batch: BatchId,
        /// How many.
        messages: usize,
        /// The policy's `maxReceiveCount`.
        max_receive_count: u32,
        /// Which.
        message_ids: Vec<String>,
    },
    /// The batch did not reach the function; it is tried again after `retry_ms`.
    #[non_exhaustive]
    Deferred {
        /// The batch.
        batch: BatchId,
        /// Its number of records.
        records: usize,
        /// The cause in words.
        error: String,
        /// The number of tries so far.
        attempts: u32,
        /// The wait in milliseconds.
        retry_ms: u64,
    },
    /// Deliveries were given up before the function saw them; the messages stay in the queue, unless an
    /// earlier delivery was processed.
    #[non_exhaustive]
    GivenUp {
        /// The batch.
        batch: BatchId,
        /// How many.
        messages: usize,
        /// Why.
        because: &'static str,
        /// Which.
        message_ids: Vec<String>,
    },
    /// Messages were deleted from the queue.
    #[non_exhaustive]
    Deleted {
        /// How many.
        messages: usize,
    },
    /// Messages that were not handed to the function were made visible again; of a share group, also those with which it
    /// failed.
    #[non_exhaustive]
    Released {
        /// How many.
        messages: usize,
    },
    /// Records of a share group that were given up were rejected: nobody gets them any more.
    #[non_exhaustive]
    Rejected {
        /// How many.
        messages: usize,
    },
    /// The locks of records of a share group begin anew, since they are still at work.
    #[non_exhaustive]
    Renewed {
        /// How many.
        messages: usize,
    },
    /// Records of a share group have lost their locks before their end was told to it. They count as nothing: the group
    /// delivers them again, unless it has delivered them as often as it does.
    #[non_exhaustive]
    LocksLost {
        /// How many.
        messages: usize,
        /// Which, if that was noticed before they were settled.
        message_ids: Vec<String>,
    },
    /// Messages need not be settled any more: the handler deleted them, or made them visible and somebody
    /// else received them.
    #[non_exhaustive]
    Gone {
        /// How many.
        messages: usize,
    },
    /// A settlement failed until the visibility timeout had ended; the message may come back, though it was
    /// processed or released.
    #[non_exhaustive]
    SettleFailed {
        /// How many.
        messages: usize,
        /// The cause in words.
        error: String,
    },
    /// A message cannot be delivered: its event alone is larger than 6 MB. It is left to the queue's
    /// redrive policy.
    #[non_exhaustive]
    Oversized {
        /// The message.
        message_id: String,
        /// The size of the event that would carry it.
        bytes: usize,
    },
    /// A message is in no form in which it could be delivered. It is left to the queue's redrive policy.
    #[non_exhaustive]
    Unreadable {
        /// The message; empty if it has no id.
        message_id: String,
        /// What is wrong with it, in words.
        because: String,
    },
    /// The number of concurrent invocations that the mapping allows itself has changed.
    #[non_exhaustive]
    Scaled {
        /// Before.
        from: usize,
        /// After.
        to: usize,
        /// Why.
        because: &'static str,
    },
    /// The number of calls to the source that the mapping allows itself at a time has changed: so many as make the source
    /// faster, with eager pacing. Trials of other numbers are not told.
    #[non_exhaustive]
    CallsLimited {
        /// Before.
        from: usize,
        /// After.
        to: usize,
        /// Why.
        because: &'static str,
    },
    /// Reading of a shard begins.
    #[non_exhaustive]
    ShardStarted {
        /// The shard.
        shard: ShardId,
        /// Where, in words.
        from: String,
    },
    /// A closed shard was read to its end, and all of it is settled: its children may begin.
    #[non_exhaustive]
    ShardEnded {
        /// The shard.
        shard: ShardId,
    },
    /// The process owns a shard from now on.
    #[non_exhaustive]
    ShardAcquired {
        /// The shard.
        shard: ShardId,
        /// Grows with each change of the owner.
        epoch: u64,
    },
    /// The process owns a shard no more.
    #[non_exhaustive]
    ShardLost {
        /// The shard.
        shard: ShardId,
        /// Under which it was acquired.
        epoch: u64,
        /// How many of its records were read and not settled: its next owner has them.
        abandoned: usize,
    },
    /// The place in a shard is looked up anew.
    #[non_exhaustive]
    Reopened {
        /// The shard.
        shard: ShardId,
        /// Why, in words.
        because: String,
    },
    /// The stream no longer holds the records that would be next; reading goes on with the oldest one.
    #[non_exhaustive]
    RecordsExpired {
        /// The shard.
        shard: ShardId,
        /// What the stream said.
        because: String,
    },
    /// The stream no longer holds the records that would be next, and the mapping ends with that. Begun again, it goes on
    /// with the oldest one.
    #[non_exhaustive]
    HistoryLost {
        /// The shard.
        shard: ShardId,
        /// What the stream said.
        because: String,
    },
    /// Records were left out because they arrived before the mapping's starting position: of a shard that is
    /// read from a time on, and from `LATEST` on once its newest record at the beginning is no longer known.
    #[non_exhaustive]
    PassedOver {
        /// The shard.
        shard: ShardId,
        /// How many.
        records: usize,
        /// The last of them.
        sequence_number: String,
        /// Records count that show this arrival time or a later one, in milliseconds since the Unix epoch.
        since_ms: i64,
    },
    /// The stream was deleted and made anew: reading begins with its oldest records.
    #[non_exhaustive]
    StreamRecreated {
        /// How many records of the old one were read and not settled.
        abandoned: usize,
    },
    /// Shards name each other as their parents, in a ring, so that each would wait for another for ever. They are
    /// read as if they had no parents but those outside the ring; no order holds among them.
    #[non_exhaustive]
    RingBroken {
        /// One of them.
        shard: ShardId,
        /// How many.
        shards: usize,
    },
    /// Records matched no filter; the position moves past them without an invocation. In detail, one
    /// decision for each.
    #[non_exhaustive]
    Skipped {
        /// The shard.
        shard: ShardId,
        /// How many.
        records: usize,
        /// The last of them.
        sequence_number: String,
        /// The path and operator that failed; empty unless in detail.
        because: String,
    },
    /// The function failed with a batch of a stream.
    #[non_exhaustive]
    AttemptFailed {
        /// The batch.
        batch: BatchId,
        /// Its number of records.
        records: usize,
        /// The function's error, or what is wrong with its response.
        error: String,
        /// What comes next.
        then: AfterFailure,
    },
    /// The function processed the first records of a batch; the rest goes on as a batch of its own.
    #[non_exhaustive]
    PartlyProcessed {
        /// The batch.
        batch: BatchId,
        /// Its number of records.
        records: usize,
        /// How many of them were processed.
        processed: usize,
        /// The batch of the others.
        remaining: BatchId,
        /// The first record that was not processed.
        failed_at: String,
        /// The wait in milliseconds.
        retry_ms: u64,
    },
    /// Records are given up.
    #[non_exhaustive]
    Discarded {
        /// The shard.
        shard: ShardId,
        /// The batch that they were last.
        batch: BatchId,
        /// How many.
        records: usize,
        /// Why.
        condition: Condition,
        /// Why, in words.
        because: String,
        /// The first sequence number.
        first: String,
        /// The last sequence number.
        last: String,
        /// The on-failure destination that will be told; `None` if there is none.
        destination: Option<String>,
    },
    /// The on-failure destination has been told of discarded records.
    #[non_exhaustive]
    Delivered {
        /// The shard.
        shard: ShardId,
        /// How many.
        records: usize,
        /// The destination.
        destination: String,
    },
    /// The on-failure destination could not be told; it is tried again after `retry_ms`.
    #[non_exhaustive]
    DeliveryDeferred {
        /// The shard.
        shard: ShardId,
        /// How many records.
        records: usize,
        /// The cause in words.
        error: String,
        /// The number of tries so far.
        tries: u32,
        /// The wait in milliseconds; 0 where it waits until a share group has delivered the records again.
        retry_ms: u64,
    },
    /// The on-failure destination could not be told, and will not be: the records are dropped.
    #[non_exhaustive]
    DeliveryFailed {
        /// The shard.
        shard: ShardId,
        /// How many records.
        records: usize,
        /// The destination.
        destination: String,
        /// The cause in words.
        error: String,
    },
    /// It is durable how far a shard is settled.
    #[non_exhaustive]
    Checkpointed {
        /// The shard.
        shard: ShardId,
        /// The end of what is settled, in words.
        place: String,
    },
    /// An offset was committed to the consumer group.
    #[non_exhaustive]
    OffsetCommitted {
        /// The partition.
        shard: ShardId,
        /// The offset of the next record to be read.
        offset: i64,
        /// By how much that is more than before: the records that are done with, and what no consumer sees between them.
        events: usize,
    },
    /// It could not be kept how far a shard is settled; that is tried again after `retry_ms`.
    #[non_exhaustive]
    CommitFailed {
        /// The shard.
        shard: ShardId,
        /// The cause in words.
        error: String,
        /// The wait in milliseconds.
        retry_ms: u64,
    },
    /// A tumbling window is over: the function is called for it a last time.
    #[non_exhaustive]
    WindowEnding {
        /// The shard.
        shard: ShardId,
        /// The batch of the final invocation.
        batch: BatchId,
        /// When it started, in milliseconds since the Unix epoch.
        start_ms: i64,
        /// When it ends, in milliseconds since the Unix epoch.
        end_ms: i64,
        /// Whether it ends before its time.
        early: bool,
    },
    /// The final invocation of a window is given up, and its state is dropped.
    #[non_exhaustive]
    WindowDropped {
        /// The shard.
        shard: ShardId,
        /// When it started, in milliseconds since the Unix epoch.
        start_ms: i64,
        /// When it ends, in milliseconds since the Unix epoch.
        end_ms: i64,
        /// Why.
        condition: Condition,
    },
}
