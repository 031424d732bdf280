//! How long calls to a queue's server take, and how many are under way meanwhile.

use std::collections::VecDeque;
use std::time::Duration;

use crate::time::Timestamp;

/// Calls that are measured at least, and the rounds: as many calls as may be under way at a time.
const CALLS: usize = 24;
const ROUNDS: usize = 4;
/// Calls of a first impression.
const FEW_CALLS: usize = 16;
/// The shortest measurement, since times are whole milliseconds.
const SHORTEST: Duration = Duration::from_millis(100);
/// Added to each time, half of what is lost by counting whole milliseconds.
const HALF_A_STEP: f64 = 0.5;
/// The share of calls for which a measurement may be without meaning.
const BESIDE: f64 = 0.25;
/// How many calls are looked at to tell whether calls have become slower, and of how many that must hold.
const RECENT: usize = 16;
const MOST_OF_RECENT: usize = 12;

/// What is asked of the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Receive,
    Settle,
}

impl Kind {
    const fn index(self) -> usize {
        match self {
            Self::Receive => 0,
            Self::Settle => 1,
        }
    }
}

fn millis(took: Duration) -> f64 {
    took.as_secs_f64() * 1000.0 + HALF_A_STEP
}

/// What a measurement found.
#[derive(Clone, Debug)]
pub(super) struct Measure {
    /// How many calls were under way, in the mean.
    pub(super) calls: f64,
    /// How many of each kind were served.
    served: [f64; 2],
    /// How long one took in milliseconds, by kind.
    took: [Option<f64>; 2],
}

impl Measure {
    /// Returns how many times as long as in this measurement a call took; 1 if there was none of its kind.
    pub(super) fn times(&self, kind: Kind, took: Duration) -> f64 {
        self.took[kind.index()].map_or(1.0, |usual| millis(took) / usual)
    }

    /// Returns how many times as long calls took as in `other`, by the kinds of this one.
    pub(super) fn slowness_to(&self, other: &Self) -> f64 {
        let (mut here, mut there) = (0.0, 0.0);
        for kind in 0..2 {
            if let (Some(took), Some(before)) = (self.took[kind], other.took[kind]) {
                here += self.served[kind] * took;
                there += self.served[kind] * before;
            }
        }
        if there > 0.0 { here / there } else { 1.0 }
    }

    /// Returns the throughput as a multiple of that of `other`, whatever the mixture of calls.
    pub(super) fn throughput_over(&self, other: &Self) -> f64 {
        self.calls / other.calls / self.slowness_to(other)
    }

    /// Returns the mean of two measurements at one limit.
    pub(super) fn blend(&self, newer: &Self) -> Self {
        let mean = |kind: usize| match (self.took[kind], newer.took[kind]) {
            (Some(old), Some(new)) => Some(f64::midpoint(old, new)),
            (old, new) => new.or(old),
        };
        Self {
            calls: f64::midpoint(self.calls, newer.calls),
            served: newer.served,
            took: [mean(0), mean(1)],
        }
    }

    /// Takes it that all calls take `times` as long.
    pub(super) fn slow_down(&mut self, times: f64) {
        for took in self.took.iter_mut().flatten() {
            *took *= times;
        }
    }
}

/// A measurement under way. It begins with the first call that is measured.
#[derive(Debug)]
pub(super) struct Gauge {
    /// How many calls are under way.
    under_way: usize,
    since: Option<Timestamp>,
    now: Timestamp,
    /// The calls under way, added up over the milliseconds.
    area: f64,
    served: [u32; 2],
    took: [f64; 2],
    ended: usize,
    /// Of those that ended, how many were not served, and how many while the limit held nothing back.
    beside: usize,
    free: usize,
}

impl Gauge {
    pub(super) const fn new(now: Timestamp) -> Self {
        Self {
            under_way: 0,
            since: None,
            now,
            area: 0.0,
            served: [0; 2],
            took: [0.0; 2],
            ended: 0,
            beside: 0,
            free: 0,
        }
    }

    /// Forgets what was measured.
    pub(super) fn restart(&mut self) {
        *self = Self {
            under_way: self.under_way,
            ..Self::new(self.now)
        };
    }

    pub(super) fn advance(&mut self, now: Timestamp) {
        if self.since.is_some() {
            self.area += self.under_way as f64 * now.since(self.now).as_secs_f64() * 1000.0;
        }
        self.now = now;
    }

    /// A call begins. Returns whether it is one of at most so many, and thereby measured.
    pub(super) fn begin(&mut self, now: Timestamp, most: usize) -> bool {
        self.under_way += 1;
        let is_measured = self.under_way <= most;
        if is_measured {
            self.since.get_or_insert(now);
        }
        is_measured
    }

    pub(super) fn end(&mut self) {
        self.under_way -= 1;
    }

    /// Counts a call of the measurement that ended; `served` is how long it took, if that tells of the server.
    pub(super) fn count(&mut self, kind: Kind, served: Option<Duration>, held: bool) {
        self.ended += 1;
        if !held {
            self.free += 1;
        }
        match served {
            Some(took) => {
                self.served[kind.index()] += 1;
                self.took[kind.index()] += millis(took);
            }
            None => self.beside += 1,
        }
    }

    /// Tells whether enough calls have ended for a first impression of `most` at a time.
    pub(super) fn is_round(&self, most: usize) -> bool {
        self.ended >= most.max(FEW_CALLS)
    }

    /// Tells whether enough calls have ended, of `most` at a time.
    pub(super) fn is_complete(&self, now: Timestamp, most: usize) -> bool {
        let is_long = self.since.is_some_and(|since| now.since(since) >= SHORTEST);
        is_long && self.ended >= most.saturating_mul(ROUNDS).max(CALLS)
    }

    /// Tells whether it was the limit that held the mapping back, and calls were served.
    pub(super) fn tells(&self) -> bool {
        let most = self.ended as f64 * BESIDE;
        self.beside as f64 <= most && self.free as f64 <= 2.0 * most && self.area > 0.0
    }

    /// Returns what was found so far.
    pub(super) fn measure(&self) -> Measure {
        let elapsed = self
            .since
            .map_or(0.0, |since| self.now.since(since).as_secs_f64() * 1000.0);
        let mean = |kind: usize| {
            let served = self.served[kind];
            (served > 0).then(|| self.took[kind] / f64::from(served))
        };
        Measure {
            calls: self.area / elapsed.max(1.0),
            served: self.served.map(f64::from),
            took: [mean(0), mean(1)],
        }
    }
}

/// How many times as long as usual the last calls took.
#[derive(Debug, Default)]
pub(super) struct Recent(VecDeque<f64>);

impl Recent {
    pub(super) fn push(&mut self, times: f64) {
        self.0.truncate(RECENT - 1);
        self.0.push_front(times);
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    /// If most of the last calls took at least `times` as long as usual, returns how many times as long these took in the
    /// mean.
    pub(super) fn most_take(&self, times: f64) -> Option<f64> {
        if self.0.len() < RECENT {
            return None;
        }
        let mut sorted: Vec<f64> = self.0.iter().copied().collect();
        sorted.sort_by(f64::total_cmp);
        let most = sorted.split_off(RECENT - MOST_OF_RECENT);
        let hold = most.first().is_some_and(|&least| least >= times);
        hold.then(|| most.iter().sum::<f64>() / MOST_OF_RECENT as f64)
    }
}
