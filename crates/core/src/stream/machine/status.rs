//! A view of the machine.

use super::StreamMachine;
use crate::activity::Activity;
use crate::stream::totals::Totals;
use crate::time::Timestamp;

/// The sums of so many shards are checked at each look, where assertions are on.
const FEW: usize = 100;

impl StreamMachine {
    /// Returns a view of the machine. It costs the same however many shards there are.
    #[must_use]
    pub fn status(&self) -> Activity {
        debug_assert!(
            self.shards.len() > FEW || self.totals == self.counted(),
            "the sums are not those of the shards: {:?}",
            self.totals
        );
        let sum = self.totals.sum();
        let first_with = |problem: usize| {
            let known = self.shards.get(self.totals.first_with(problem)?)?;
            Some(&known.shard)
        };
        let problem = |problem: usize| first_with(problem)?.problems()[problem];
        let (unkept, failed, halted) = (problem(1), problem(2), problem(3));
        let unread = || first_with(0)?.source_problem().cloned();
        let unread = self.listings.problem().or_else(unread);
        let unkept = self.beginnings.problem().or(unkept);
        Activity {
            concurrency: sum.runs * self.config.factor(),
            running: sum.running,
            waiting: sum.waiting,
            gathering: sum.unsettled,
            receives: sum.receives,
            backing_off_until: self.totals.backing_off_until().map(Timestamp::millis),
            iterator_age_ms: self.totals.iterator_age_ms(),
            max_offset_lag: None,
            sum_offset_lag: None,
            source_reason: unread.as_ref().and_then(|error| error.reason),
            source_problem: unread.map(|error| error.message),
            halted: halted.cloned(),
            function_problem: unkept.or(failed).cloned(),
        }
    }

    /// Returns the sums of all shards, counted anew.
    fn counted(&self) -> Totals {
        let mut totals = Totals::default();
        for (&key, known) in &self.shards {
            totals.put(key, known.shard.share());
        }
        totals
    }
}
