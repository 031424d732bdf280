//! Exponential back-off with jitter, and the seeded numbers it needs.

use std::time::Duration;

/// A small deterministic generator (SplitMix64): the shell seeds it, so a run can be repeated.
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    /// Returns a generator that yields the same numbers for the same seed.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Returns the next number.
    pub const fn next_u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Returns a random UUID (version 4).
    #[must_use]
    pub const fn uuid(&mut self) -> uuid::Uuid {
        let bits = (self.next_u64() as u128) << 64 | self.next_u64() as u128;
        uuid::Builder::from_random_bytes(bits.to_be_bytes()).into_uuid()
    }

    /// Returns a number in `0.0..1.0`.
    pub const fn fraction(&mut self) -> f64 {
        // 53 random bits fill the mantissa exactly.
        (self.next_u64() >> 11) as f64 / (1u64 << 53) as f64
    }
}

/// How long to wait before each try: `first`, doubled on every further failure, at most `cap`, and each
/// wait shortened at random by up to `jitter` of itself.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Backoff {
    /// The wait after the first failure.
    pub first: Duration,
    /// The longest wait.
    pub cap: Duration,
    /// The share of a wait that is random, `0.0..=1.0`.
    pub jitter: f64,
}

impl Backoff {
    /// For invocations that did not reach the function: 200 ms up to 10 s.
    ///
    /// The service documents that it backs off, but no curve.
    pub const INVOKE: Self = Self {
        first: Duration::from_millis(200),
        cap: Duration::from_secs(10),
        jitter: 0.25,
    };

    /// For event sources that fail: 500 ms up to 30 s.
    pub const SOURCE: Self = Self {
        first: Duration::from_millis(500),
        cap: Duration::from_secs(30),
        jitter: 0.25,
    };

    /// For event sources that answer at once that there is nothing: 10 ms up to 1 s.
    pub const IDLE: Self = Self {
        first: Duration::from_millis(10),
        cap: Duration::from_secs(1),
        jitter: 0.0,
    };

    /// For batches of a stream that the function failed with: 800 ms up to 30 s.
    ///
    /// Lambda documents no curve. Recorded: with `MaximumRecordAgeInSeconds` 60 and a function that
    /// always fails, the record was given up with an `approximateInvokeCount` of 8, the count of one
    /// that was never sent being 1. This curve makes seven invocations in those 60 s, whatever the
    /// jitter.
    pub const STREAM: Self = Self {
        first: Duration::from_millis(800),
        cap: Duration::from_secs(30),
        jitter: 0.25,
    };

    /// For shards that hold nothing new: 10 ms up to 200 ms, which is Kinesis's quota of five reads a
    /// second.
    pub const SHARD_IDLE: Self = Self {
        first: Duration::from_millis(10),
        cap: Duration::from_millis(200),
        jitter: 0.0,
    };

    /// Returns the wait after `failures` failures in a row (1 for the first).
    #[must_use]
    pub fn wait(&self, failures: u32, random: &mut Random) -> Duration {
        let doublings = failures.saturating_sub(1).min(30);
        let base = self.first.saturating_mul(1 << doublings).min(self.cap);
        base.mul_f64(1.0 - self.jitter * random.fraction())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_the_cap_and_jitter_only_shortens_them() {
        let mut random = Random::new(1);
        for failures in 1..40 {
            let full =
                Duration::from_millis(200 << (failures - 1).min(20)).min(Backoff::INVOKE.cap);
            let wait = Backoff::INVOKE.wait(failures, &mut random);
            assert!(
                wait <= full && wait >= full.mul_f64(0.75),
                "{failures}: {wait:?} of {full:?}"
            );
        }
    }

    #[test]
    fn a_stream_record_that_always_fails_is_invoked_seven_times_in_its_first_60_seconds() {
        for seed in 0..1_000 {
            let mut random = Random::new(seed);
            let waits = (1..8).map(|failures| Backoff::STREAM.wait(failures, &mut random));
            let starts = waits.scan(Duration::ZERO, |time, wait| {
                *time += wait;
                Some(*time)
            });
            let in_time = starts.filter(|&start| start <= Duration::from_secs(60));
            assert_eq!(1 + in_time.count(), 7, "seed {seed}");
        }
    }

    #[test]
    fn the_same_seed_gives_the_same_waits() {
        let waits = |seed| {
            let mut random = Random::new(seed);
            (1..9)
                .map(|n| Backoff::SOURCE.wait(n, &mut random))
                .collect::<Vec<_>>()
        };
        assert_eq!(waits(7), waits(7));
        assert_ne!(waits(7), waits(8));
    }
}
