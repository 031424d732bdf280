//! `MaximumRecordAgeInSeconds`: records that grew too old are given up before each try and between tries.

use super::given_up::GivenUp;
use crate::decision::BatchId;
use crate::on_failure_record::Condition;
use crate::queue::machine::QueueMachine;
use crate::time::Timestamp;

impl QueueMachine {
    /// Gives up the records of a batch that are too old, of which the function does not have any. Returns whether nothing
    /// is left of the batch.
    pub(super) fn drop_too_old(&mut self, now: Timestamp, id: BatchId) -> bool {
        let group = self.config.share_group.as_ref();
        let limit = group.and_then(|group| group.retry.maximum_record_age);
        let Some(flight) = self.in_flight.get_mut(id) else {
            return true;
        };
        let Some(limit) = limit else {
            return flight.batch.items.is_empty();
        };
        let items = flight.batch.items.iter().enumerate();
        let old = items.filter(|(_, delivery)| delivery.age(now) > limit);
        let old: Vec<usize> = old.map(|(at, _)| at).collect();
        if !old.is_empty() {
            let records = flight.batch.pick(old);
            flight.withdraw(|delivery| delivery.age(now) > limit);
            let (tries, condition) = (flight.tries.clone(), Condition::RecordAgeExceeded);
            self.give_up(
                now,
                GivenUp::of_batch(id, condition, records, tries, "too old"),
            );
        }
        let flight = self.in_flight.get(id);
        flight.is_none_or(|flight| flight.batch.items.is_empty())
    }
}
