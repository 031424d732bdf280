//! Shards times time, which is what a stream costs.

use lambda_esm_core::Timestamp;

/// How many shards were open for how long.
#[derive(Debug, Default)]
pub(super) struct ShardTime {
    /// From when on how many are open.
    open: Option<(Timestamp, usize)>,
    millis: u128,
}

impl ShardTime {
    /// From now on so many are open.
    pub(super) fn set(&mut self, now: Timestamp, open: usize) {
        self.pass(now);
        self.open = Some((now, open));
    }

    /// Returns the hours up to now.
    pub(super) fn hours(&mut self, now: Timestamp) -> f64 {
        self.pass(now);
        self.millis as f64 / 3_600_000.0
    }

    fn pass(&mut self, now: Timestamp) {
        if let Some((since, open)) = &mut self.open {
            self.millis += now.since(*since).as_millis() * *open as u128;
            *since = now;
        }
    }
}
