//! What a mapping did per second, from two looks at its counters.

use serde::Deserialize;

/// A mapping's counters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Counts {
    polled_event_count: u64,
    filtered_out_event_count: u64,
    invoked_event_count: u64,
    failed_invoke_event_count: u64,
    deleted_event_count: u64,
    /// Given up, and nobody was told.
    #[serde(default)]
    pub(super) dropped_event_count: u64,
    /// Given up, and the on-failure destination was told.
    #[serde(default)]
    pub(super) on_failure_destination_delivered_event_count: u64,
}

impl Counts {
    /// Returns the counters that are shown as rates, in the order of their columns.
    pub(super) const fn all(self) -> [u64; 5] {
        [
            self.polled_event_count,
            self.filtered_out_event_count,
            self.invoked_event_count,
            self.failed_invoke_event_count,
            self.deleted_event_count,
        ]
    }

    /// Returns what was added per second since `before`, `millis` ago. Counters of a daemon that began
    /// anew are smaller than before: they count from zero.
    #[expect(clippy::cast_precision_loss, reason = "shown to one decimal")]
    pub(super) fn rates(self, before: Self, millis: i64) -> [f64; 5] {
        let seconds = millis.max(1) as f64 / 1000.0;
        let (now, mut then) = (self.all(), before.all());
        if now.iter().zip(then).any(|(now, then)| *now < then) {
            then = [0; 5];
        }
        std::array::from_fn(|column| (now[column] - then[column]) as f64 / seconds)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_per_second_and_survive_a_restart_of_the_daemon() {
        let counts = |polled, deleted| Counts {
            polled_event_count: polled,
            deleted_event_count: deleted,
            ..Counts::default()
        };
        let rates = counts(30, 5).rates(counts(10, 5), 2_000);
        assert_eq!(rates, [10.0, 0.0, 0.0, 0.0, 0.0]);
        let rates = counts(3, 1).rates(counts(10, 0), 1_000);
        assert_eq!(rates, [3.0, 0.0, 0.0, 0.0, 1.0]);
    }
}
