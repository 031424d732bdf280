//! The source's quota on reads of one shard.

use std::num::NonZeroU32;

use crate::quota::Quota;
use crate::time::Timestamp;

/// Counts the reads of one shard against its quota.
#[derive(Clone, Debug)]
pub(super) struct ReadQuota {
    reads: Quota,
    /// Reads per second, after those that may follow each other at once.
    rate: f64,
    most: f64,
}

impl ReadQuota {
    /// Returns a quota of so many reads in any second. Two may follow each other at once, so that a page can
    /// be found to have been the last; what is left of the quota is spread evenly.
    pub(super) fn new(now: Timestamp, reads_per_second: NonZeroU32) -> Self {
        let (rate, most) = match reads_per_second.get() - 1 {
            0 => (1.0, 1.0),
            rest => (rest.into(), 2.0),
        };
        Self {
            reads: Quota::new(now, most),
            rate,
            most,
        }
    }

    /// Takes one read out of the quota, or returns when there is one.
    pub(super) fn take(&mut self, now: Timestamp) -> Result<(), Timestamp> {
        self.reads.fill(now, self.rate, self.most);
        if self.reads.left() < 1.0 {
            return Err(self.reads.when(1.0, now, self.rate));
        }
        self.reads.spend(1.0);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;
    use std::time::Duration;

    use governor::clock::{Clock as _, FakeRelativeClock};
    use governor::{Quota, RateLimiter};
    use proptest::prelude::*;

    use super::ReadQuota;
    use crate::time::Timestamp;

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

    proptest! {
        #[test]
        fn reads_are_taken_and_refused_as_by_governor(
            // Between reads governor waits for whole nanoseconds.
            reads_per_second in prop::sample::select(vec![1u32, 2, 3, 5, 6, 9, 11, 21, 1001]),
            steps in prop::collection::vec(prop_oneof![0..3i64, 0..300i64, -5..2_000i64], 1..200),
        ) {
            let each = |number| NonZeroU32::new(number).unwrap();
            let rate = Quota::per_second(each(reads_per_second.max(2) - 1));
            let clock = FakeRelativeClock::default();
            let limiter = RateLimiter::direct_with_clock(
                rate.allow_burst(each(reads_per_second.min(2))),
                clock.clone(),
            );
            let (mut now, mut shows) = (Timestamp(0), Timestamp(0));
            let mut quota = ReadQuota::new(now, each(reads_per_second));
            for step in steps {
                now.0 += step;
                clock.advance(now.since(shows));
                shows = shows.max(now);
                let expected = limiter.check().map_err(|refused| {
                    now + refused.wait_time_from(clock.now()) + Duration::from_millis(1)
                });
                prop_assert_eq!(quota.take(now), expected);
            }
        }
    }
}
