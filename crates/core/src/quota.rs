//! What is left of a quota on what is done in a second, counted in the time that it is told.

use std::time::Duration;

use crate::time::Timestamp;

/// A token bucket: what is left grows evenly with time up to a most, and is spent.
#[derive(Clone, Debug)]
pub(crate) struct Quota {
    /// In thousandths, so that at a whole rate per second each millisecond adds a whole number, and sums are
    /// exact. Less than nothing is owed.
    left: f64,
    filled: Timestamp,
}

impl Quota {
    pub(crate) const fn new(now: Timestamp, left: f64) -> Self {
        Self {
            left: left * 1000.0,
            filled: now,
        }
    }

    /// Adds what has come since it was filled last, at `rate` per second; no more than `most` is kept.
    pub(crate) fn fill(&mut self, now: Timestamp, rate: f64, most: f64) {
        let millis = now.since(self.filled).as_millis() as f64;
        self.filled = self.filled.max(now);
        self.left = (self.left + rate * millis).min(most * 1000.0);
    }

    /// Returns what is left; less than nothing is owed.
    pub(crate) const fn left(&self) -> f64 {
        self.left / 1000.0
    }

    /// Spends what is left, or more than that.
    pub(crate) const fn spend(&mut self, amount: f64) {
        self.left -= amount * 1000.0;
    }

    /// Returns a time after `now` at which `amount` is left if nothing is spent until then. It is rounded up, so
    /// that who comes then is not refused a moment too early.
    pub(crate) fn when(&self, amount: f64, now: Timestamp, rate: f64) -> Timestamp {
        let millis = (amount * 1000.0 - self.left) / rate;
        now + Duration::from_millis((millis as u64).saturating_add(1))
    }
}
