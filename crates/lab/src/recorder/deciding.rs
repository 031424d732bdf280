//! What the recorder makes of decisions.

use lambda_esm_core::Timestamp;
use lambda_esm_core::decision::{AfterFailure, Decision};
use lambda_esm_engine::Event;
use uuid::Uuid;

use super::books::{Books, Inner};
use super::figures::count;
use super::identity::{NamedRecord, RecordId};
use super::invocation::Seat;
use super::note::Note;
use super::recording::Recorder;

/// Why records are dropped that the stream no longer holds.
const EXPIRED: &str = "RetentionExceeded";

impl Recorder {
    /// Says which mapping has a UUID, for the roster and for what it has decided already.
    pub fn assign(&self, uuid: Uuid, mapping: usize) {
        self.books.roster.assign(uuid, mapping);
        self.desk.tell(Note::Known);
    }

    /// A mapping has decided something: an observer of the engine.
    pub fn decided(&self, event: &Event) {
        self.desk.tell(Note::Decided(event.clone()));
    }
}

impl Books {
    /// A mapping has decided something.
    pub(super) fn decided(&self, inner: &mut Inner, event: Event) {
        let Some(mapping) = self.roster.place(event.mapping) else {
            inner.early.push(event);
            return;
        };
        let Some(&Seat { source, reader, .. }) = self.seats.get(mapping) else {
            return;
        };
        let at_ms = inner.millis(Timestamp(event.time_ms));
        let (Some(figures), Some(fates)) = (
            inner.mappings.get_mut(mapping),
            inner.sources.get_mut(source),
        ) else {
            return;
        };
        figures.decide(&event.decision);
        if let Some(bars) = inner.bars.get_mut(mapping) {
            bars.decide(at_ms, &event.decision);
        }
        let record = |text: &str| self.identity.record(source, NamedRecord::Text(text));
        match &event.decision {
            Decision::Filtered { message_id, .. } => {
                let settled = record(message_id).is_some_and(|id| fates.settle(reader, id));
                figures.records.filtered += u64::from(settled);
            }
            Decision::RecordsExpired { shard, .. } => {
                let spec = self.roster.sources.get(source);
                let retention = spec.and_then(|spec| spec.retention);
                let lane = self.identity.lane(source, shard.as_str());
                if let (Some(retention), Some(lane)) = (retention, lane) {
                    let before = Timestamp(event.time_ms - retention.as_millis() as i64);
                    let expired = fates.settle_older(reader, lane, before);
                    count(&mut figures.records.dropped, EXPIRED, expired);
                }
            }
            Decision::Skipped {
                records,
                sequence_number,
                shard,
                ..
            } => {
                let name = self.named(source, shard.as_str(), sequence_number);
                if let Some(id) = name
                    && *records == 1
                    && fates.settle(reader, id)
                {
                    figures.records.filtered += 1;
                }
            }
            Decision::Discarded {
                batch,
                records,
                first,
                last,
                shard,
                ..
            } => {
                let known = figures.batches.remove(batch);
                let settled = known.iter().flat_map(|records| records.iter());
                let settled = settled.filter(|id| fates.settle(reader, **id)).count();
                let left = (*records as u64).saturating_sub(settled as u64);
                let first = self.named(source, shard.as_str(), first);
                let last = self.named(source, shard.as_str(), last);
                if left > 0
                    && let (Some(first), Some(last)) = (first, last)
                {
                    let range = (first.index, last.index);
                    fates.settle_range(reader, first.lane, range, left);
                }
            }
            Decision::AttemptFailed {
                batch,
                then: AfterFailure::Split { .. },
                ..
            }
            | Decision::Succeeded { batch, .. }
            | Decision::PartlyProcessed { batch, .. }
            | Decision::PartiallyFailed { batch, .. }
            | Decision::Failed { batch, .. } => {
                figures.batches.remove(batch);
            }
            _ => {}
        }
    }

    /// Returns the record that a decision names by its shard and its place there.
    fn named(&self, source: usize, shard: &str, place: &str) -> Option<RecordId> {
        let spec = self.roster.sources.get(source)?;
        let name = match place.parse() {
            Ok(offset) if !spec.topic.is_empty() => {
                let (_, partition) = shard.rsplit_once('-')?;
                NamedRecord::Offset {
                    partition: partition.parse().ok()?,
                    offset,
                }
            }
            _ => NamedRecord::Text(place),
        };
        self.identity.record(source, name)
    }
}
