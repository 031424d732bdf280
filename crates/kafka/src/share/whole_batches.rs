//! Whether brokers are asked for whole batches of producers: more than anybody wants, and far less work for them than the
//! exact number, for which they keep a state for each record where one for a batch would do (KIP-1206).

use std::time::Duration;

/// How long what is over may wait to be asked for, as far as can be foreseen.
const SOON: Duration = Duration::from_secs(1);

/// How many records a fetch asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Demand {
    pub(super) records: usize,
    /// Whether it may be more, if those are in the same batches.
    pub(super) whole_batches: bool,
}

/// What was seen of batches, and of those who work records off.
#[derive(Debug, Default)]
pub(super) struct WholeBatches {
    /// About how many records the longest batch has of late.
    longest: usize,
    /// How long the records that were settled last had been held.
    held_for: Option<Duration>,
}

impl WholeBatches {
    /// Takes note of the longest batch of an answer. Longer ones are remembered for some answers.
    pub(super) fn came(&mut self, longest: usize) {
        self.longest = longest.max(self.longest - self.longest / 8);
    }

    /// Takes note of how long records that are settled now were held.
    pub(super) fn settled(&mut self, held_for: Duration) {
        self.held_for = Some(held_for);
    }

    /// Tells whether what whole batches have over would be asked for soon, while `under_way` records are held or waited for:
    /// they come at the pace at which those are settled. Before any was settled it is not known.
    pub(super) fn are_taken_soon(&self, under_way: usize) -> bool {
        let taken = |held_for: Duration| {
            held_for.as_secs_f64() * self.longest as f64 <= SOON.as_secs_f64() * under_way as f64
        };
        self.held_for.is_some_and(taken)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(longest: usize, held_for: Duration) -> WholeBatches {
        let mut seen = WholeBatches::default();
        seen.came(longest);
        seen.settled(held_for);
        seen
    }

    #[test]
    fn nothing_is_known_before_a_record_is_settled() {
        let mut seen = WholeBatches::default();
        assert!(!seen.are_taken_soon(1_000));
        seen.came(10);
        assert!(!seen.are_taken_soon(1_000));
    }

    #[test]
    fn a_batch_is_soon_taken_if_it_is_short_or_the_function_fast_or_much_under_way() {
        for (longest, held_for, under_way, soon) in [
            (100, 100, 10, true),
            (101, 100, 10, false),
            (100, 101, 10, false),
            (100, 100, 9, false),
            (5_000, 50, 5_000, true),
            // A function of a minute and a half, whatever is under way.
            (100, 90_000, 5_000, false),
            // Nobody waits at all.
            (100, 1, 0, false),
        ] {
            let seen = seen(longest, Duration::from_millis(held_for));
            assert_eq!(
                seen.are_taken_soon(under_way),
                soon,
                "{longest}, {held_for}, {under_way}"
            );
        }
    }

    #[test]
    fn a_function_that_becomes_slow_and_batches_that_become_long_are_noticed_at_once() {
        let mut seen = seen(10, Duration::from_millis(1));
        assert!(seen.are_taken_soon(10));
        seen.settled(Duration::from_secs(60));
        assert!(!seen.are_taken_soon(10));
        seen.settled(Duration::from_millis(1));
        seen.came(100_000);
        assert!(!seen.are_taken_soon(10));
        // And that they are short again a little later.
        for _ in 0..100 {
            seen.came(10);
        }
        assert!(seen.are_taken_soon(10));
    }
}
