//! Whether brokers are asked for whole batches of producers: more than anybody wants, and far less work for them than the
//! exact number, for which they keep a state for each record where one for a batch would do (KIP-1206).

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

/// How long what is over may wait to be asked for, as far as can be foreseen.
const SOON: Duration = Duration::from_secs(1);
/// How much longer than it waited no more than asked for is locked, where it was longer.
const PENANCE: u32 = 60;

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
    /// How many records were settled when, in the second before the last one.
    settled: VecDeque<(Instant, usize)>,
    /// Until then what is foreseen is not believed.
    doubted_until: Option<Instant>,
}

impl WholeBatches {
    /// Takes note of the longest batch of an answer that has any. Longer ones are remembered for some answers.
    pub(super) fn came(&mut self, longest: usize) {
        if longest > 0 {
            self.longest = longest.max(self.longest - self.longest / 8);
        }
    }

    /// Takes note that a record has waited so long to be asked for.
    pub(super) fn waited(&mut self, now: Instant, waited: Duration) {
        if waited > SOON {
            self.doubted_until = now.checked_add(waited.saturating_mul(PENANCE));
        }
    }

    /// Takes note that so many records are settled.
    pub(super) fn settled(&mut self, now: Instant, count: usize) {
        if count == 0 {
            return;
        }
        self.settled.push_back((now, count));
        let is_old = |at: Instant| now.saturating_duration_since(at) >= SOON;
        while self.settled.pop_front_if(|(at, _)| is_old(*at)).is_some() {}
    }

    /// Tells whether what whole batches have over would be asked for soon: as many records were settled within a second, and
    /// what was over of late was asked for as soon. Before any record was settled it is not known.
    pub(super) fn are_taken_soon(&self, now: Instant) -> bool {
        let is_doubted = self.doubted_until.is_some_and(|until| now < until);
        let pace: usize = self.settled.iter().map(|(_, count)| count).sum();
        pace > 0 && pace >= self.longest && !is_doubted
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOMENT: Duration = Duration::from_millis(1);

    #[test]
    fn a_batch_is_soon_taken_if_as_many_records_are_settled_within_a_second() {
        let mut now = Instant::now();
        let mut seen = WholeBatches::default();
        assert!(!seen.are_taken_soon(now), "nothing is known");
        seen.came(100);
        assert!(!seen.are_taken_soon(now));
        seen.settled(now, 60);
        assert!(!seen.are_taken_soon(now));
        now += SOON - MOMENT;
        seen.settled(now, 40);
        assert!(seen.are_taken_soon(now));
        now += MOMENT;
        seen.settled(now, 1);
        assert!(!seen.are_taken_soon(now), "the first were settled earlier");
        seen.settled(now, 59);
        assert!(seen.are_taken_soon(now));
        // Longer batches are noticed at once, and a little later that they are short again.
        seen.came(5_000);
        assert!(!seen.are_taken_soon(now));
        for _ in 0..100 {
            seen.came(0);
        }
        assert!(!seen.are_taken_soon(now), "nothing came");
        for _ in 0..100 {
            seen.came(10);
        }
        assert!(seen.are_taken_soon(now));
    }

    #[test]
    fn what_waited_longer_than_foreseen_is_remembered_for_a_while() {
        let mut now = Instant::now();
        let mut seen = WholeBatches::default();
        // As where a filter ends many records at once, and the function has the others for long.
        seen.came(50);
        seen.settled(now, 50);
        seen.waited(now, SOON);
        assert!(seen.are_taken_soon(now), "it was soon enough");
        now += SOON + MOMENT;
        seen.waited(now, SOON + MOMENT);
        let until = now + (SOON + MOMENT) * PENANCE;
        seen.settled(now, 50);
        assert!(!seen.are_taken_soon(until - MOMENT));
        assert!(seen.are_taken_soon(until));
    }
}
