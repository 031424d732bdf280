//! Decisions in plain words.

use std::fmt;

use super::Decision;
use crate::batching::CloseReason;

/// How many messages a text names before it only counts them.
const NAMED: usize = 3;

impl fmt::Display for CloseReason {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Window => "the batching window ended",
            Self::Count => "it reached the batch size",
            Self::Bytes => "one more record would exceed 6 MB",
            Self::Available => "there is no batching window",
            Self::Draining => "the mapping is stopping",
            Self::TumblingWindow => "the next record belongs to another tumbling window",
            Self::ShardEnd => "the shard has ended",
        })
    }
}

impl fmt::Display for Decision {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Polled { messages } => write!(out, "polled {}", count(*messages, "message")),
            // A consumer that goes on trying by itself.
            Self::PollFailed { error, retry_ms: 0 } => {
                write!(out, "cannot read the source: {error}")
            }
            Self::PollFailed { error, retry_ms } => {
                write!(
                    out,
                    "cannot read the source: {error}; next try in {}",
                    Wait(*retry_ms)
                )
            }
            Self::Filtered {
                message_id,
                because,
            } => {
                write!(out, "filtered out and deleted {message_id}")?;
                if because.is_empty() {
                    Ok(())
                } else {
                    write!(out, ": {because}")
                }
            }
            Self::BatchClosed {
                batch,
                shard,
                reason,
                records,
                bytes,
                ..
            } => {
                let records = count(*records, "record");
                write!(
                    out,
                    "batch {} closed with {records}, {bytes} bytes: {reason}",
                    batch.0
                )?;
                shard
                    .as_ref()
                    .map_or(Ok(()), |shard| write!(out, ", of {shard}"))
            }
            Self::Invoked {
                batch,
                attempt,
                records,
                ..
            } => {
                let records = count(*records, "record");
                write!(
                    out,
                    "batch {} sent to the function, {records}, try {attempt}",
                    batch.0
                )
            }
            Self::Succeeded { batch, records } => {
                write!(
                    out,
                    "batch {} succeeded, {}",
                    batch.0,
                    count(*records, "record")
                )
            }
            Self::PartiallyFailed {
                batch,
                failed,
                records,
                message_ids,
            } => write!(
                out,
                "batch {} failed in part: {failed} of {} return after their visibility timeout{}",
                batch.0,
                count(*records, "record"),
                Named(message_ids)
            ),
            Self::Failed {
                batch,
                records,
                error,
                message_ids,
            } => write!(
                out,
                "batch {} failed: {error}; {} return after their visibility timeout{}",
                batch.0,
                count(*records, "record"),
                Named(message_ids)
            ),
            Self::FailuresIgnored { batch, failures } => write!(
                out,
                "batch {}: the function named {} in batchItemFailures, and that is ignored; add \
                 ReportBatchItemFailures to the mapping's FunctionResponseTypes",
                batch.0,
                count(*failures, "failed record")
            ),
            Self::Exhausted {
                messages,
                max_receive_count,
                message_ids,
                ..
            } => write!(
                out,
                "the queue's redrive policy will move {} to its dead-letter queue, after {}{}",
                count(*messages, "message"),
                count(*max_receive_count as usize, "receive"),
                Named(message_ids)
            ),
            Self::Deferred {
                batch,
                error,
                attempts,
                retry_ms,
                ..
            } => write!(
                out,
                "batch {} did not reach the function ({error}); try {} in {}",
                batch.0,
                attempts + 1,
                Wait(*retry_ms)
            ),
            Self::GivenUp {
                batch,
                messages,
                because,
                message_ids,
            } => {
                let messages = count(*messages, "message");
                write!(
                    out,
                    "gave up {messages} of batch {}: {because}{}",
                    batch.0,
                    Named(message_ids)
                )
            }
            Self::Deleted { messages } => write!(out, "deleted {}", count(*messages, "message")),
            Self::Released { messages } => {
                write!(out, "gave {} back", count(*messages, "message"))
            }
            Self::Rejected { messages } => {
                write!(out, "rejected {}", count(*messages, "record"))
            }
            Self::Renewed { messages } => {
                write!(out, "renewed {}", count(*messages, "lock"))
            }
            Self::LocksLost {
                messages,
                message_ids,
            } => {
                write!(
                    out,
                    "lost the lock of {}, which may be delivered again{}",
                    count(*messages, "record"),
                    Named(message_ids)
                )
            }
            Self::Gone { messages } => {
                let messages = count(*messages, "message");
                write!(
                    out,
                    "found {messages} gone or taken over: nothing to settle"
                )
            }
            Self::SettleFailed { messages, error } => {
                let messages = count(*messages, "message");
                write!(
                    out,
                    "could not settle {messages}, and may see them again: {error}"
                )
            }
            Self::Oversized { message_id, bytes } => {
                write!(
                    out,
                    "cannot deliver {message_id}: its event alone is {bytes} bytes"
                )
            }
            Self::Unreadable {
                message_id,
                because,
            } => {
                let name = if message_id.is_empty() {
                    "a message"
                } else {
                    message_id
                };
                write!(
                    out,
                    "cannot read {name}, which stays in the queue: {because}"
                )
            }
            Self::Scaled { from, to, because } => {
                write!(out, "concurrency limit {from} -> {to}: {because}")
            }
            _ => self.fmt_stream(out),
        }
    }
}

pub(super) fn count(number: usize, noun: &str) -> String {
    if number == 1 {
        format!("1 {noun}")
    } else {
        format!("{number} {noun}s")
    }
}

/// A wait in milliseconds, in the unit that reads best.
pub(super) struct Wait(pub(super) u64);

impl fmt::Display for Wait {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            millis @ 0..1000 => write!(out, "{millis} ms"),
            millis => write!(out, "{}.{} s", millis / 1000, millis % 1000 / 100),
        }
    }
}

/// The first few of some messages; nothing if none are known.
struct Named<'a>(&'a [String]);

impl fmt::Display for Named<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return Ok(());
        }
        let shown = self.0.len().min(NAMED);
        write!(out, " ({}", self.0[..shown].join(", "))?;
        if shown < self.0.len() {
            write!(out, " and {} more", self.0.len() - shown)?;
        }
        out.write_str(")")
    }
}
