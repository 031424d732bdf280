//! A view of the machine.

use super::machine::TopicMachine;
use crate::activity::Activity;
use crate::stream::lane::Lane;
use crate::time::Timestamp;

impl TopicMachine {
    /// Returns a view of the machine.
    #[must_use]
    pub fn status(&self) -> Activity {
        let lanes = || self.lanes.iter().map(|each| &each.lane);
        let partitions = || self.partitions.values();
        let waits = lanes().filter_map(Lane::waits_until);
        let unread = || partitions().find_map(|partition| partition.problem.as_ref());
        let unread = self.problem.as_ref().or_else(unread);
        let failed = lanes().find_map(Lane::problem);
        let lag = |lag: i64| u64::try_from(lag).unwrap_or(0);
        let is_known = self.lags().next().is_some();
        Activity {
            concurrency: self.limit(),
            running: lanes().filter(|lane| lane.is_working()).count(),
            waiting: lanes().map(Lane::waiting).sum(),
            gathering: partitions()
                .map(|partition| partition.buffer.len() + partition.settled.unsettled())
                .sum(),
            receives: self.fetches.len(),
            backing_off_until: waits.min().map(Timestamp::millis),
            max_offset_lag: self.lags().max().map(lag),
            sum_offset_lag: is_known.then(|| lag(self.lags().sum())),
            halted: None,
            source_problem: unread.map(|error| error.message.clone()),
            source_reason: unread.and_then(|error| error.reason),
            function_problem: self.committing.problem.as_ref().or(failed).cloned(),
            ..Activity::default()
        }
    }
}
