//! The source's quota on reads of one shard.

use std::num::NonZeroU32;
use std::time::Duration;

use governor::clock::{Clock as _, FakeRelativeClock};
use governor::middleware::NoOpMiddleware;
use governor::nanos::Nanos;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};

use crate::time::Timestamp;

/// Counts the reads of one shard against its quota, in the time that it is told.
pub(super) struct ReadQuota {
    clock: FakeRelativeClock,
    /// What `clock` shows.
    shows: Timestamp,
    limiter: RateLimiter<NotKeyed, InMemoryState, FakeRelativeClock, NoOpMiddleware<Nanos>>,
}

impl ReadQuota {
    /// Returns a quota of so many reads in any second. Two may follow each other at once, so that a page can
    /// be found to have been the last; what is left of the quota is spread evenly.
    pub(super) fn new(now: Timestamp, reads_per_second: NonZeroU32) -> Self {
        let clock = FakeRelativeClock::default();
        let (burst, rest) = match NonZeroU32::new(reads_per_second.get() - 1) {
            Some(rest) => (NonZeroU32::MIN.saturating_add(1), rest),
            None => (NonZeroU32::MIN, NonZeroU32::MIN),
        };
        Self {
            limiter: RateLimiter::direct_with_clock(
                Quota::per_second(rest).allow_burst(burst),
                clock.clone(),
            ),
            clock,
            shows: now,
        }
    }

    /// Takes one read out of the quota, or returns when there is one.
    pub(super) fn take(&mut self, now: Timestamp) -> Result<(), Timestamp> {
        self.clock.advance(now.since(self.shows));
        self.shows = self.shows.max(now);
        self.limiter.check().map_err(|refused| {
            let wait = refused.wait_time_from(self.clock.now());
            // Rounded up, so that the read is not refused again a moment too early.
            now + wait + Duration::from_millis(1)
        })
    }
}

impl std::fmt::Debug for ReadQuota {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("ReadQuota")
            .field("shows", &self.shows)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_reader_that_never_rests_no_second_sees_more_than_five_reads() {
        let five = NonZeroU32::new(5).unwrap();
        let mut quota = ReadQuota::new(Timestamp(0), five);
        let mut taken = |&millis: &i64| quota.take(Timestamp(millis)).is_ok();
        // Each moment twice: two reads may come at once.
        let reads: Vec<i64> = (0..6_000)
            .map(|half| half / 2)
            .filter(|millis| taken(millis))
            .collect();
        assert_eq!(reads.len(), 13, "{reads:?}");
        let mut seconds = reads.windows(6).map(|six| six[5] - six[0]);
        assert!(seconds.all(|span| span >= 1_000), "{reads:?}");
    }

    #[test]
    fn a_refused_read_is_taken_when_it_was_told_to_come_back() {
        let mut quota = ReadQuota::new(Timestamp(0), NonZeroU32::new(5).unwrap());
        assert_eq!(quota.take(Timestamp(0)), Ok(()));
        assert_eq!(quota.take(Timestamp(1)), Ok(()));
        let next = quota.take(Timestamp(7)).unwrap_err();
        assert!(next >= Timestamp(250) && next < Timestamp(253), "{next:?}");
        assert_eq!(quota.take(next), Ok(()));
    }
}
