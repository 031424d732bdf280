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
    /// Returns a quota of so many reads a second, evenly spaced: saved up for a burst, they would come
    /// on top of those that the same second allows.
    pub(super) fn new(now: Timestamp, reads_per_second: NonZeroU32) -> Self {
        let clock = FakeRelativeClock::default();
        let spacing = Duration::from_secs(1) / reads_per_second.get();
        let quota =
            Quota::with_period(spacing).unwrap_or_else(|| Quota::per_second(reads_per_second));
        Self {
            limiter: RateLimiter::direct_with_clock(quota, clock.clone()),
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
        let reads: Vec<i64> = (0..3_000)
            .filter(|&millis| quota.take(Timestamp(millis)).is_ok())
            .collect();
        assert_eq!(reads.len(), 15, "{reads:?}");
        let mut seconds = reads.windows(6).map(|six| six[5] - six[0]);
        assert!(seconds.all(|span| span >= 1_000), "{reads:?}");
    }

    #[test]
    fn a_refused_read_is_taken_when_it_was_told_to_come_back() {
        let mut quota = ReadQuota::new(Timestamp(0), NonZeroU32::new(5).unwrap());
        assert_eq!(quota.take(Timestamp(0)), Ok(()));
        let next = quota.take(Timestamp(7)).unwrap_err();
        assert!(next >= Timestamp(200) && next < Timestamp(203), "{next:?}");
        assert_eq!(quota.take(next), Ok(()));
    }
}
