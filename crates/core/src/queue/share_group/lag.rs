//! Asking a share group how many records it has not yet done with.

use std::time::Duration;

use super::lags::Lags;
use crate::fault::SourceError;
use crate::queue::action::Action;
use crate::queue::machine::QueueMachine;
use crate::queue::timer::Timer;
use crate::time::Timestamp;

/// How often a share group is asked.
const ASKED_EVERY: Duration = Duration::from_secs(5);

impl QueueMachine {
    /// Asks a share group for its lag, when it is time.
    pub(in crate::queue) fn measure(&mut self, now: Timestamp) {
        let known = &mut self.share.lags;
        let is_due = !known.under_way && known.next.is_none_or(|next| next <= now);
        if self.config.share_group.is_some() && is_due && self.drain_until.is_none() {
            known.under_way = true;
            self.actions.push_back(Action::Measure);
        }
    }

    /// The group has answered: with the lag of each partition, or nothing if it does not tell.
    pub(in crate::queue) fn measured(
        &mut self,
        now: Timestamp,
        lags: Result<Vec<u64>, SourceError>,
    ) {
        let lags = lags.ok().filter(|lags| !lags.is_empty());
        let sum = |lags: &Vec<u64>| lags.iter().copied().fold(0, u64::saturating_add);
        let next = now + ASKED_EVERY;
        self.share.lags = Lags {
            max: lags.as_ref().and_then(|lags| lags.iter().copied().max()),
            sum: lags.as_ref().map(sum),
            under_way: false,
            next: Some(next),
        };
        self.timers.insert((next, Timer::Measure));
    }
}
