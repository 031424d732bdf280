//! What the group and the function answer.

use std::collections::BTreeSet;

use lambda_esm_core::fault::{InvokeError, InvokeErrorKind, SourceError, SourceErrorKind};
use lambda_esm_core::topic::PartitionOffset;
use serde_json::json;

use super::{Answer, Host};
use crate::property::topic::index;
use crate::world::Place;

impl Host {
    /// Commits offsets, as far as their partitions are owned.
    pub(super) fn keep(&mut self, offsets: &[PartitionOffset]) -> Result<(), SourceError> {
        let mut result = Ok(());
        if self.happens(self.faults.commits) {
            let kinds = [
                SourceErrorKind::Throttled,
                SourceErrorKind::Expired,
                SourceErrorKind::Transient,
            ];
            let kind = kinds[usize::try_from(self.roll(3)).unwrap()];
            result = Err(SourceError::new(kind, "not now"));
            if self.roll(2) == 0 {
                return result;
            }
        }
        for PartitionOffset { owned, offset } in offsets {
            let log = &mut self.logs[index(owned.partition)];
            if log.owner == Some(owned.epoch) {
                log.committed = Some(*offset);
            } else {
                let kind = SourceErrorKind::Expired;
                result = Err(SourceError::new(kind, "not owned"));
            }
        }
        result
    }

    /// Returns what the function answers to a batch.
    pub(super) fn function(&mut self, places: &[Place]) -> (Result<String, InvokeError>, Answer) {
        let all = Answer::Failed((0..places.len()).collect());
        if self.happens(self.faults.throttles) {
            let kind = InvokeErrorKind::throttled(None);
            return (Err(InvokeError::new(kind, "busy")), Answer::NotReached);
        }
        let logs = &self.logs;
        let is_poison = |&(partition, offset): &Place| {
            let record = logs[index(partition)].record(offset);
            record.is_some_and(|record| record.poison)
        };
        let mut failed: BTreeSet<usize> = (0..places.len())
            .filter(|&at| is_poison(&places[at]))
            .collect();
        let names = self.settings.provisioned && self.settings.partial;
        if self.happens(self.faults.errors) || (!failed.is_empty() && !names) {
            return (Err(InvokeError::function("it broke")), all);
        }
        if names && self.happens(self.faults.partial) {
            failed.extend((0..places.len()).filter(|_| self.dice.next_u64().is_multiple_of(3)));
        }
        let mut items: Vec<_> = failed.iter().map(|&at| places[at]).collect();
        if self.happens(self.faults.nonsense) {
            items.push((77, 0));
            if names {
                failed.extend(0..places.len());
            }
        }
        let items = items.iter().map(|(partition, offset)| {
            let partition = format!("orders-{partition}");
            json!({"itemIdentifier": {"partition": partition, "offset": offset}})
        });
        let response = json!({"batchItemFailures": items.collect::<Vec<_>>()});
        (Ok(response.to_string()), Answer::Failed(failed))
    }
}
