//! The source's clock beside the engine's. Arrival times are of the one, `now` is of the other, and neither is
//! compared with the other but through here.

use std::time::Duration;

use super::port::Listing;
use crate::time::Timestamp;

/// How far a listing's time and the arrival times of records may be apart though they are of one service:
/// its hosts have a clock each (Kinesis API reference, `Record`: the accuracy of an arrival time is not
/// guaranteed).
const TOLD: Duration = Duration::from_secs(1);
/// How far the clock of a source that tells no time may be off. AWS refuses whoever is further off (IAM user
/// guide, "Troubleshoot AWS Signature Version 4 API requests").
const UNTOLD: Duration = Duration::from_secs(5 * 60);

/// What is known of a source's clock.
#[derive(Clone, Copy, Debug)]
pub(super) struct SourceClock {
    /// How many milliseconds it shows more than the engine's; not more than it does, since what is told is
    /// cut off and takes its time to get here. So records seem no older than they are.
    ahead: Option<i64>,
    /// Arrival times are cut down to multiples of this, as far as is known.
    grain: i64,
}

impl SourceClock {
    /// Returns the clock of a source that was never heard.
    pub(super) const fn new() -> Self {
        Self {
            ahead: None,
            grain: i64::MAX,
        }
    }

    /// Takes what a listing tells of it.
    pub(super) fn hear(&mut self, now: Timestamp, listing: &Listing) {
        if let Some(time) = listing.server_time {
            self.ahead = Some(time.millis().saturating_sub(now.millis()));
        }
        let grain = i64::try_from(listing.facts.arrival_grain.as_millis());
        self.grain = self.grain.min(grain.unwrap_or(i64::MAX)).max(1);
    }

    /// Takes it that the engine's clock went on by `passed`, and this one perhaps did not.
    pub(super) fn jumped(&mut self, passed: Duration) {
        let passed = i64::try_from(passed.as_millis()).unwrap_or(i64::MAX);
        self.ahead = self.ahead.map(|ahead| ahead.saturating_sub(passed));
    }

    /// Takes what the arrival time of a record tells: it may be finer than was to be expected.
    pub(super) fn see(&mut self, arrival: Timestamp) {
        let fits = |grain: i64| arrival.millis().rem_euclid(grain) == 0;
        if !fits(self.grain) {
            self.grain = if fits(1_000) { 1_000 } else { 1 };
        }
    }

    /// Returns what it shows when the engine's clock shows `now`, or a little less. A source that never told
    /// its time is taken to have the engine's.
    pub(super) fn at(&self, now: Timestamp) -> Timestamp {
        Timestamp(now.millis().saturating_add(self.ahead.unwrap_or(0)))
    }

    /// Returns what the engine's clock shows when this one shows `time`.
    pub(super) fn engine(&self, time: Timestamp) -> Timestamp {
        Timestamp(time.millis().saturating_sub(self.ahead.unwrap_or(0)))
    }

    /// Returns a time before which nothing arrived that arrives from now on.
    pub(super) fn before(&self, now: Timestamp) -> Timestamp {
        let margin = self.ahead.map_or(UNTOLD, |_| TOLD);
        let margin = i64::try_from(margin.as_millis()).unwrap_or(i64::MAX);
        Timestamp(self.at(now).millis().saturating_sub(margin))
    }

    /// Returns the arrival time that a record shows which arrived at `time`.
    pub(super) fn cut(&self, time: Timestamp) -> Timestamp {
        Timestamp(time.millis().div_euclid(self.grain) * self.grain)
    }

    /// Returns the first time at which no record arrives any more that shows a time before `end`.
    pub(super) fn over(&self, end: Timestamp) -> Timestamp {
        let last = self.cut(Timestamp(end.millis().saturating_sub(1)));
        Timestamp(last.millis().saturating_add(self.grain))
    }

    /// Returns the age of a record, or a little less: it may have arrived later than it shows.
    pub(super) fn age(&self, now: Timestamp, arrival: Timestamp) -> Duration {
        self.at(now).since(self.latest(arrival))
    }

    /// Returns when a record becomes older than `limit`, by the engine's clock.
    pub(super) fn outlives(&self, arrival: Timestamp, limit: Duration) -> Timestamp {
        self.engine(self.latest(arrival) + limit + Duration::from_millis(1))
    }

    /// Returns the last moment at which a record may have arrived that shows `arrival`.
    const fn latest(&self, arrival: Timestamp) -> Timestamp {
        Timestamp(arrival.millis().saturating_add(self.grain - 1))
    }
}
