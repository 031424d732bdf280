//! The clock of a stream's service, which need not be that of those who read it.

use std::time::Duration;

use lambda_esm_core::Timestamp;

use crate::mapping::START;

/// A clock beside the world's.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SourceClock {
    /// How many milliseconds it shows more than the world's at the beginning.
    pub(crate) ahead: i64,
    /// How many milliseconds it gains in 1,000 s.
    pub(crate) gains: i64,
    /// What arrival times are cut down to.
    pub(crate) grain: Duration,
    /// What the source says of that: the same or more.
    pub(crate) claimed: Duration,
    /// Whether it tells its time: in whole seconds, as HTTP does.
    pub(crate) tells: bool,
}

impl SourceClock {
    /// The world's own clock.
    pub(crate) const EXACT: Self = Self {
        ahead: 0,
        gains: 0,
        grain: Duration::from_millis(1),
        claimed: Duration::from_millis(1),
        tells: true,
    };

    /// Returns what it shows.
    pub(crate) const fn shows(&self, now: Timestamp) -> Timestamp {
        let gained = (now.0 - START.0) * self.gains / 1_000_000;
        Timestamp(now.0 + self.ahead + gained)
    }

    /// Returns the arrival time of a record that arrives `now`.
    pub(crate) fn arrival(&self, now: Timestamp) -> Timestamp {
        cut(self.shows(now), self.grain)
    }

    /// Returns what it tells.
    pub(crate) fn told(&self, now: Timestamp) -> Option<Timestamp> {
        let seconds = Duration::from_secs(1);
        self.tells.then(|| cut(self.shows(now), seconds))
    }
}

/// Cuts a time down to a multiple of `grain`.
pub(crate) fn cut(time: Timestamp, grain: Duration) -> Timestamp {
    let grain = i64::try_from(grain.as_millis()).unwrap().max(1);
    Timestamp(time.0 - time.0.rem_euclid(grain))
}
