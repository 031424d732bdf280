//! Decisions about streams in plain words.

use std::fmt;

use super::text::{Wait, count};
use super::{AfterFailure, Decision};
use crate::time::Timestamp;

impl fmt::Display for AfterFailure {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Retry {
                retry_ms,
                retries_left: None,
            } => write!(out, "next try in {}", Wait(*retry_ms)),
            Self::Retry {
                retry_ms,
                retries_left: Some(left),
            } => {
                let left = count_retries(*left);
                write!(out, "next try in {}, {left} left after it", Wait(*retry_ms))
            }
            Self::Split {
                into: [left, right],
            } => {
                write!(out, "split into batches {} and {}", left.0, right.0)
            }
            Self::Discard => out.write_str("its retries are used up"),
            Self::Acknowledge { released, given_up } => write!(
                out,
                "{released} released to be delivered again, {given_up} given up"
            ),
        }
    }
}

fn count_retries(left: u32) -> String {
    match left {
        1 => "1 retry".to_owned(),
        left => format!("{left} retries"),
    }
}

impl Decision {
    pub(super) fn fmt_stream(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ShardStarted { shard, from } => write!(out, "reading {shard} from {from}"),
            Self::ShardEnded { shard } => write!(out, "{shard} is closed and processed to its end"),
            Self::ShardAcquired { shard, epoch } => {
                write!(out, "{shard} is this process's, under epoch {epoch}")
            }
            Self::ShardLost {
                shard,
                epoch,
                abandoned,
            } => write!(
                out,
                "{shard} is no longer this process's under epoch {epoch}; {} not settled",
                count(*abandoned, "record")
            ),
            Self::Reopened { shard, because } => {
                write!(out, "looking up the place in {shard} anew: {because}")
            }
            Self::RecordsExpired { shard, because } => write!(
                out,
                "{shard} no longer holds the next records ({because}); going on with its oldest one"
            ),
            Self::HistoryLost { shard, because } => write!(
                out,
                "{shard} no longer holds the next records ({because}); reading no more, until the mapping is enabled again"
            ),
            Self::PassedOver {
                shard,
                records,
                sequence_number,
                since_ms,
            } => write!(
                out,
                "passed over {} of {shard}, up to {sequence_number}: before {}",
                count(*records, "record"),
                Timestamp(*since_ms).iso_millis()
            ),
            Self::SchemaRegistryFailed {
                shard,
                error,
                retry_ms,
            } => write!(
                out,
                "{shard} waits: {error}; next try in {}",
                Wait(*retry_ms)
            ),
            Self::StreamRecreated { abandoned } => write!(
                out,
                "the source was made anew, beginning with its oldest records; {} of the old one abandoned",
                count(*abandoned, "record")
            ),
            Self::RingBroken { shard, shards } => write!(
                out,
                "{}, {shard} among them, name each other as parents: they are read in no order",
                count(*shards, "shard")
            ),
            Self::Skipped {
                shard,
                records,
                sequence_number,
                because,
            } => {
                if *records == 1 {
                    write!(out, "filtered out {sequence_number} of {shard}")?;
                } else {
                    let records = count(*records, "record");
                    write!(
                        out,
                        "filtered out {records} of {shard}, up to {sequence_number}"
                    )?;
                }
                if because.is_empty() {
                    Ok(())
                } else {
                    write!(out, ": {because}")
                }
            }
            Self::AttemptFailed {
                batch, error, then, ..
            } => write!(out, "batch {} failed: {error}; {then}", batch.0),
            Self::PartlyProcessed {
                batch,
                records,
                processed,
                remaining,
                failed_at,
                retry_ms,
            } => write!(
                out,
                "batch {} processed in part: {processed} of {}; the rest goes on from {failed_at} as \
                 batch {} in {}",
                batch.0,
                count(*records, "record"),
                remaining.0,
                Wait(*retry_ms)
            ),
            Self::Discarded { .. }
            | Self::Delivered { .. }
            | Self::DeliveryDeferred { .. }
            | Self::DeliveryFailed { .. } => self.fmt_discard(out),
            Self::Checkpointed { shard, place } => {
                write!(out, "kept the position of {shard}: {place}")
            }
            Self::OffsetCommitted {
                shard,
                offset,
                events,
            } => write!(out, "committed offset {offset} of {shard}, {events} more"),
            Self::CommitFailed {
                shard,
                error,
                retry_ms,
            } => write!(
                out,
                "cannot keep the position of {shard}: {error}; next try in {}",
                Wait(*retry_ms)
            ),
            Self::WindowEnding {
                shard,
                batch,
                start_ms,
                end_ms,
                early,
            } => write!(
                out,
                "the window {} of {shard} ends{}: batch {} is its final invocation",
                Window(*start_ms, *end_ms),
                if *early { " early" } else { "" },
                batch.0
            ),
            Self::WindowDropped {
                shard,
                start_ms,
                end_ms,
                condition,
            } => write!(
                out,
                "dropped the state of the window {} of {shard}: its final invocation failed ({})",
                Window(*start_ms, *end_ms),
                condition.as_str()
            ),
            _ => Ok(()),
        }
    }

    fn fmt_discard(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Discarded {
                shard,
                batch,
                records,
                condition,
                because,
                first,
                last,
                destination,
            } => {
                let records = count(*records, "record");
                let condition = condition.as_str();
                write!(
                    out,
                    "gave up {records} of batch {} in {shard}, {first} to {last} ({condition}): {because}",
                    batch.0
                )?;
                match destination {
                    Some(destination) => write!(out, "; telling {destination}"),
                    None => out.write_str("; there is no on-failure destination"),
                }
            }
            Self::Delivered {
                shard,
                records,
                destination,
            } => {
                let records = count(*records, "record");
                write!(out, "told {destination} of {records} given up in {shard}")
            }
            Self::DeliveryDeferred {
                shard,
                records,
                error,
                retry_ms: 0,
                ..
            } => write!(
                out,
                "cannot tell the on-failure destination of {} given up in {shard}: {error}; they are released",
                count(*records, "record"),
            ),
            Self::DeliveryDeferred {
                shard,
                records,
                error,
                tries,
                retry_ms,
            } => write!(
                out,
                "cannot tell the on-failure destination of {} given up in {shard}: {error}; try {} in {}",
                count(*records, "record"),
                tries + 1,
                Wait(*retry_ms)
            ),
            Self::DeliveryFailed {
                shard,
                records,
                destination,
                error,
            } => write!(
                out,
                "dropped {} given up in {shard}: {destination} could not be told: {error}",
                count(*records, "record")
            ),
            _ => Ok(()),
        }
    }
}

/// A window by its ends in milliseconds.
struct Window(i64, i64);

impl fmt::Display for Window {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (start, end) = (Timestamp(self.0), Timestamp(self.1));
        write!(out, "{} to {}", start.iso_seconds(), end.iso_seconds())
    }
}
