//! Decisions that timelines tell.

use lambda_esm_core::Timestamp;
use lambda_esm_core::decision::Decision;
use lambda_esm_core::stream::ShardId;

use super::run::Played;
use super::text::{Span, brief, names};
use crate::world::around::Happening;

/// Returns the line of a decision, the `index`-th of all happenings; `None` for those that say what another
/// line says already.
pub(crate) fn text(played: &Played, index: usize, decision: &Decision) -> Option<String> {
    Some(match decision {
        Decision::Discarded {
            shard,
            condition,
            first,
            last,
            destination: None,
            ..
        } => {
            let records = played.between(shard, &first.as_str().into(), &last.as_str().into());
            format!("drop {} {}", brief(&records), condition.as_str())
        }
        Decision::DeliveryFailed { shard, .. } => lost(played, index, shard)?,
        Decision::WindowDropped {
            start_ms,
            end_ms,
            condition,
            ..
        } => {
            let (start, end) = (
                Span::from(Timestamp(*start_ms)),
                Span::from(Timestamp(*end_ms)),
            );
            format!("drop window {start}..{end} {}", condition.as_str())
        }
        Decision::Skipped {
            shard,
            sequence_number,
            ..
        } => {
            let sequence = sequence_number.as_str().into();
            format!(
                "filter {}",
                played.between(shard, &sequence, &sequence).join(" ")
            )
        }
        Decision::PassedOver {
            shard,
            records,
            sequence_number,
            ..
        } => {
            let last = sequence_number.as_str().into();
            let last = played.name(&last);
            format!("report {shard} passes over {records}, up to {last}")
        }
        Decision::Reopened { shard, .. } => format!("report {shard} reopened"),
        Decision::RecordsExpired { shard, .. } => format!("report {shard} trimmed"),
        Decision::FailuresIgnored { failures, .. } => format!("report {failures} ignored"),
        Decision::RingBroken { shard, shards, .. } => {
            format!("report {shard} in a ring of {shards}")
        }
        Decision::StreamRecreated { abandoned, .. } => {
            format!("report recreated, {abandoned} abandoned")
        }
        _ => return None,
    })
}

/// What could not be delivered: the subject of the shard's last delivery.
fn lost(played: &Played, index: usize, shard: &ShardId) -> Option<String> {
    let before = played.world.happenings[..index].iter().rev();
    before
        .filter_map(|(_, happening)| match happening {
            Happening::Deliver(discard, false) if discard.shard == *shard => Some(discard),
            _ => None,
        })
        .map(|discard| {
            let records = played.between(shard, &discard.first, &discard.last);
            format!("drop {} {}", brief(&records), discard.condition)
        })
        .next()
}

/// Returns the records that such a line names.
pub(crate) fn records(played: &Played, text: &str) -> Vec<String> {
    let mut words = names(text);
    words.retain(|word| played.sequences.contains_key(word));
    words
}
