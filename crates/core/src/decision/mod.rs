//! What a machine decided, and why: the stuff of logs, metrics and explanations.

mod text;

use serde::Serialize;

use crate::batch::CloseReason;

/// Names a batch within its mapping; batches are numbered from 1 in the order they were closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct BatchId(pub u64);

/// One decision of a queue mapping. Message identifiers are given where the mapping's decisions are
/// recorded in detail, and are empty otherwise.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "decision", rename_all = "snake_case")]
pub enum Decision {
    /// Messages arrived from the source.
    Polled {
        /// How many.
        messages: usize,
    },
    /// The source could not be read; it is tried again after `retry_ms`.
    PollFailed {
        /// The cause in words.
        error: String,
        /// The wait in milliseconds.
        retry_ms: u64,
    },
    /// A message matched no filter, and is deleted without an invocation.
    Filtered {
        /// The message.
        message_id: String,
        /// The path and operator that failed.
        because: String,
    },
    /// A batch was closed, and is ready for the function.
    BatchClosed {
        /// The batch.
        batch: BatchId,
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
    Invoked {
        /// The batch.
        batch: BatchId,
        /// 1 for the first try; more after throttling.
        attempt: u32,
        /// Its number of records.
        records: usize,
    },
    /// The function processed the whole batch; its messages are deleted now.
    Succeeded {
        /// The batch.
        batch: BatchId,
        /// Its number of records.
        records: usize,
    },
    /// The function named the messages that it could not process. They return when their visibility
    /// timeout ends; the others are deleted now.
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
    /// Failed messages were received as often as the queue's redrive policy allows. The queue moves them
    /// to its dead-letter queue when their visibility timeout ends, instead of delivering them again.
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
    /// Deliveries were given up before the function saw them; the messages stay in the queue.
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
    Deleted {
        /// How many.
        messages: usize,
    },
    /// Messages that were not handed to the function were made visible again.
    Released {
        /// How many.
        messages: usize,
    },
    /// A settlement failed for good; the message comes back, though it was processed or released.
    SettleFailed {
        /// How many.
        messages: usize,
        /// The cause in words.
        error: String,
    },
    /// A message cannot be delivered: its event alone is larger than 6 MB. It is left to the queue's
    /// redrive policy.
    Oversized {
        /// The message.
        message_id: String,
        /// The size of the event that would carry it.
        bytes: usize,
    },
    /// The number of concurrent invocations that the mapping allows itself has changed.
    Scaled {
        /// Before.
        from: usize,
        /// After.
        to: usize,
        /// Why.
        because: &'static str,
    },
}
