//! What decisions are called.

use super::{BatchId, Decision};

impl Decision {
    /// Returns what kind of decision it is: the word that its JSON has as `decision`.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Polled { .. } => "polled",
            Self::PollFailed { .. } => "poll_failed",
            Self::SchemaRegistryFailed { .. } => "schema_registry_failed",
            Self::Filtered { .. } => "filtered",
            Self::BatchClosed { .. } => "batch_closed",
            Self::Invoked { .. } => "invoked",
            Self::Succeeded { .. } => "succeeded",
            Self::PartiallyFailed { .. } => "partially_failed",
            Self::Failed { .. } => "failed",
            Self::FailuresIgnored { .. } => "failures_ignored",
            Self::Exhausted { .. } => "exhausted",
            Self::Deferred { .. } => "deferred",
            Self::GivenUp { .. } => "given_up",
            Self::Deleted { .. } => "deleted",
            Self::Released { .. } => "released",
            Self::Rejected { .. } => "rejected",
            Self::Renewed { .. } => "renewed",
            Self::LocksLost { .. } => "locks_lost",
            Self::Gone { .. } => "gone",
            Self::SettleFailed { .. } => "settle_failed",
            Self::Oversized { .. } => "oversized",
            Self::Unreadable { .. } => "unreadable",
            Self::Scaled { .. } => "scaled",
            Self::ShardStarted { .. } => "shard_started",
            Self::ShardEnded { .. } => "shard_ended",
            Self::ShardAcquired { .. } => "shard_acquired",
            Self::ShardLost { .. } => "shard_lost",
            Self::Reopened { .. } => "reopened",
            Self::RecordsExpired { .. } => "records_expired",
            Self::HistoryLost { .. } => "history_lost",
            Self::PassedOver { .. } => "passed_over",
            Self::StreamRecreated { .. } => "stream_recreated",
            Self::RingBroken { .. } => "ring_broken",
            Self::Skipped { .. } => "skipped",
            Self::AttemptFailed { .. } => "attempt_failed",
            Self::PartlyProcessed { .. } => "partly_processed",
            Self::Discarded { .. } => "discarded",
            Self::Delivered { .. } => "delivered",
            Self::DeliveryDeferred { .. } => "delivery_deferred",
            Self::DeliveryFailed { .. } => "delivery_failed",
            Self::Checkpointed { .. } => "checkpointed",
            Self::OffsetCommitted { .. } => "offset_committed",
            Self::CommitFailed { .. } => "commit_failed",
            Self::WindowEnding { .. } => "window_ending",
            Self::WindowDropped { .. } => "window_dropped",
        }
    }

    /// Returns the batch that it is about; `None` if it is about none, or several.
    #[must_use]
    pub const fn batch(&self) -> Option<BatchId> {
        match self {
            Self::BatchClosed { batch, .. }
            | Self::Invoked { batch, .. }
            | Self::Succeeded { batch, .. }
            | Self::PartiallyFailed { batch, .. }
            | Self::Failed { batch, .. }
            | Self::FailuresIgnored { batch, .. }
            | Self::Exhausted { batch, .. }
            | Self::Deferred { batch, .. }
            | Self::GivenUp { batch, .. }
            | Self::AttemptFailed { batch, .. }
            | Self::PartlyProcessed { batch, .. }
            | Self::Discarded { batch, .. }
            | Self::WindowEnding { batch, .. } => Some(*batch),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kind_of_a_decision_is_the_word_of_its_json() {
        for decision in [
            Decision::Polled { messages: 1 },
            Decision::FailuresIgnored {
                batch: BatchId(1),
                failures: 1,
            },
            Decision::Deleted { messages: 1 },
        ] {
            let json = serde_json::to_value(&decision).expect("a decision is JSON");
            assert_eq!(json["decision"], decision.kind());
        }
    }
}
