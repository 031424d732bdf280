//! The engine's time: one anchored clock that follows tokio's, paused time included.

use tokio::time::Instant;

use lambda_esm_core::Timestamp;

/// Wall-clock time that never runs backwards, and stands still while tokio's time is paused.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    origin: Timestamp,
    anchor: Instant,
}

impl Clock {
    /// Returns a clock that shows the system's time now, and from here on follows tokio's clock.
    #[must_use]
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place that reads the system's time"
    )]
    pub fn system() -> Self {
        let now = std::time::SystemTime::now();
        let millis = now
            .duration_since(std::time::UNIX_EPOCH)
            .unwrap_or_default()
            .as_millis();
        Self::starting_at(Timestamp(i64::try_from(millis).unwrap_or(i64::MAX)))
    }

    /// Returns a clock that shows `origin` now: for simulations and tests.
    #[must_use]
    pub fn starting_at(origin: Timestamp) -> Self {
        Self {
            origin,
            anchor: Instant::now(),
        }
    }

    /// Returns the time.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.origin + self.anchor.elapsed()
    }

    /// Returns the moment of tokio's clock at which this clock shows `time`; now, if that is past.
    #[must_use]
    pub fn instant(&self, time: Timestamp) -> Instant {
        self.anchor + time.since(self.origin)
    }

    /// Waits until this clock shows `time`.
    pub async fn sleep_until(&self, time: Timestamp) {
        tokio::time::sleep_until(self.instant(time)).await;
    }
}
