//! How many batches a queue mapping works on at a time, and how many receives it keeps open.
//!
//! Sources: Lambda developer guide, "Configuring scaling behavior for SQS event source mappings" and
//! "Handling errors for an SQS event source in Lambda". The curve of scaling down is not documented;
//! ours is named where it is chosen.

use std::time::Duration;

use super::config::Concurrency;
use crate::pacing::Pacing;
use crate::time::Timestamp;

/// Concurrent batches when messages are available.
const START: f64 = 5.0;
/// Concurrent batches on an idle queue, where no maximum concurrency is set.
const IDLE: f64 = 2.0;
/// Most concurrent batches of one mapping.
const MAXIMUM: f64 = 1250.0;
/// 300 more concurrent batches per minute while there is a backlog.
const GROWTH_PER_SECOND: f64 = 300.0 / 60.0;
/// Concurrent batches of one provisioned poller.
pub(super) const BATCHES_PER_POLLER: f64 = 10.0;
/// 1,000 more concurrent batches per minute in provisioned mode.
const PROVISIONED_GROWTH_PER_SECOND: f64 = 1000.0 / 60.0;
/// Receives that found nothing before the mapping eases off.
const EMPTY_RECEIVES_UNTIL_IDLE: u32 = 3;
/// A failure lowers the limit at most this often, so that one burst of failures counts once.
const LOWERING_INTERVAL: Duration = Duration::from_secs(1);
/// Most receives kept open at a time by eager pacing.
const EAGER_POLLERS: usize = 16;

/// How a batch went, as far as scaling cares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Success,
    FunctionError,
    NotReached,
}

/// The number of batches and receives allowed at a time.
#[derive(Clone, Debug)]
pub(super) struct Scaler {
    pacing: Pacing,
    floor: f64,
    ceiling: f64,
    growth_per_second: f64,
    level: f64,
    pollers: usize,
    backlog_since: Option<Timestamp>,
    empty_receives: u32,
    lowered_at: Option<Timestamp>,
}

impl Scaler {
    pub(super) fn new(
        pacing: Pacing,
        concurrency: Concurrency,
        function_concurrency: Option<usize>,
    ) -> Self {
        let (floor, ceiling, growth) = bounds(concurrency, function_concurrency);
        let level = match concurrency {
            Concurrency::OnDemand { .. } => START.clamp(floor, ceiling),
            Concurrency::Provisioned { .. } => floor,
        };
        let mut scaler = Self {
            pacing,
            floor,
            ceiling,
            growth_per_second: growth,
            level,
            pollers: 1,
            backlog_since: None,
            empty_receives: 0,
            lowered_at: None,
        };
        scaler.pollers = scaler.idle_pollers();
        scaler
    }

    /// Applies new bounds, keeping what was learned where it fits them.
    pub(super) fn reconfigure(
        &mut self,
        pacing: Pacing,
        concurrency: Concurrency,
        function_concurrency: Option<usize>,
    ) {
        let (floor, ceiling, growth) = bounds(concurrency, function_concurrency);
        let held_back_by_function = self.level >= self.ceiling && function_concurrency.is_some();
        self.pacing = pacing;
        (self.floor, self.ceiling, self.growth_per_second) = (floor, ceiling, growth);
        self.level = if held_back_by_function && pacing == Pacing::Eager {
            // What the function can do now is known, and need not be found out.
            ceiling
        } else {
            self.level.clamp(floor, ceiling)
        };
        self.pollers = self.pollers.clamp(1, self.most_pollers());
    }

    /// Returns how many batches may be worked on at a time.
    pub(super) fn concurrency(&self) -> usize {
        (self.level.floor() as usize).max(1)
    }

    /// Returns how many receives may be open at a time.
    pub(super) fn pollers(&self) -> usize {
        match self.pacing {
            Pacing::Eager => self.pollers,
            // Each concurrent batch has a poller of its own, idle or not.
            Pacing::Aws => self.concurrency(),
        }
    }

    /// A receive asked for `asked` messages and got `got`.
    pub(super) fn on_receive(&mut self, now: Timestamp, asked: usize, got: usize) {
        if got == 0 {
            self.backlog_since = None;
            self.empty_receives = self.empty_receives.saturating_add(1);
            self.pollers = self.idle_pollers();
            if self.empty_receives >= EMPTY_RECEIVES_UNTIL_IDLE {
                self.level = self.level.min(START.max(self.floor));
            }
            if self.empty_receives >= 2 * EMPTY_RECEIVES_UNTIL_IDLE {
                self.level = self.level.min(self.floor);
            }
            return;
        }
        if self.empty_receives > 0 {
            self.empty_receives = 0;
            self.level = self.level.max(START.clamp(self.floor, self.ceiling));
        }
        if got < asked {
            self.backlog_since = None;
            return;
        }
        self.pollers = (self.pollers * 2).min(self.most_pollers());
        if self.pacing == Pacing::Aws {
            let since = *self.backlog_since.get_or_insert(now);
            let grown = self.growth_per_second * now.since(since).as_secs_f64();
            self.level = (self.level + grown).min(self.ceiling);
        }
        self.backlog_since = Some(now);
    }

    /// A batch ended. Returns why the limit was lowered, if it was.
    pub(super) fn on_outcome(
        &mut self,
        now: Timestamp,
        outcome: Outcome,
        partial_responses: bool,
    ) -> Option<&'static str> {
        let (share, because) = match outcome {
            Outcome::Success => {
                if self.pacing == Pacing::Eager && self.backlog_since.is_some() {
                    self.level = (self.level + 1.0).min(self.ceiling);
                } else if self.level < self.floor {
                    self.level = (self.level + 1.0).min(self.floor);
                }
                return None;
            }
            // With partial batch responses, failures do not slow the polling down.
            Outcome::FunctionError if partial_responses => return None,
            Outcome::FunctionError => (0.9, "the function failed"),
            Outcome::NotReached => (0.5, "the function could not be reached or was throttled"),
        };
        if self
            .lowered_at
            .is_some_and(|at| now.since(at) < LOWERING_INTERVAL)
        {
            return None;
        }
        self.lowered_at = Some(now);
        let before = self.concurrency();
        let lowest = if outcome == Outcome::NotReached {
            1.0
        } else {
            self.floor.min(IDLE)
        };
        self.level = (self.level * share).max(lowest.min(self.level));
        (self.concurrency() < before).then_some(because)
    }

    fn idle_pollers(&self) -> usize {
        match self.pacing {
            Pacing::Eager => 1,
            Pacing::Aws => self.concurrency(),
        }
    }

    fn most_pollers(&self) -> usize {
        match self.pacing {
            Pacing::Eager => EAGER_POLLERS.max(self.concurrency()),
            Pacing::Aws => self.concurrency(),
        }
    }
}

/// Returns the lowest and highest level, and the growth per second. What is beyond the function's known
/// concurrency would only wait for its turn.
fn bounds(concurrency: Concurrency, function_concurrency: Option<usize>) -> (f64, f64, f64) {
    let (floor, ceiling, growth) = match concurrency {
        Concurrency::OnDemand {
            maximum: Some(maximum),
        } => (START, f64::from(maximum), GROWTH_PER_SECOND),
        Concurrency::OnDemand { maximum: None } => (IDLE, MAXIMUM, GROWTH_PER_SECOND),
        Concurrency::Provisioned { minimum, maximum } => (
            f64::from(minimum) * BATCHES_PER_POLLER,
            f64::from(maximum) * BATCHES_PER_POLLER,
            PROVISIONED_GROWTH_PER_SECOND,
        ),
    };
    let known = function_concurrency.map(|limit| limit.max(1) as f64);
    let ceiling = known.map_or(ceiling, |known| ceiling.min(known));
    (floor.min(ceiling), ceiling, growth)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ON_DEMAND: Concurrency = Concurrency::OnDemand { maximum: None };

    fn seconds(n: i64) -> Timestamp {
        Timestamp(n * 1000)
    }

    #[test]
    fn aws_pacing_starts_at_five_and_grows_by_three_hundred_a_minute_up_to_1250() {
        let mut scaler = Scaler::new(Pacing::Aws, ON_DEMAND, None);
        assert_eq!(scaler.concurrency(), 5);
        for second in 0..=60 {
            scaler.on_receive(seconds(second), 10, 10);
        }
        assert_eq!(scaler.concurrency(), 305);
        for second in 61..=600 {
            scaler.on_receive(seconds(second), 10, 10);
        }
        assert_eq!(scaler.concurrency(), 1250);
    }

    #[test]
    fn an_idle_queue_falls_back_to_five_and_then_to_two() {
        let mut scaler = Scaler::new(Pacing::Aws, ON_DEMAND, None);
        for second in 0..=60 {
            scaler.on_receive(seconds(second), 10, 10);
        }
        for second in 61..64 {
            scaler.on_receive(seconds(second), 10, 0);
        }
        assert_eq!(scaler.concurrency(), 5);
        for second in 64..67 {
            scaler.on_receive(seconds(second), 10, 0);
        }
        assert_eq!(scaler.concurrency(), 2);
        scaler.on_receive(seconds(70), 10, 1);
        assert_eq!(scaler.concurrency(), 5);
    }

    #[test]
    fn a_maximum_concurrency_caps_growth_and_forbids_the_idle_saving() {
        let maximum = Concurrency::OnDemand { maximum: Some(7) };
        let mut scaler = Scaler::new(Pacing::Aws, maximum, None);
        for second in 0..60 {
            scaler.on_receive(seconds(second), 10, 10);
        }
        assert_eq!(scaler.concurrency(), 7);
        for second in 60..90 {
            scaler.on_receive(seconds(second), 10, 0);
        }
        assert_eq!(scaler.concurrency(), 5);
    }

    #[test]
    fn function_errors_lower_the_limit_unless_partial_responses_are_on() {
        let mut scaler = Scaler::new(Pacing::Aws, ON_DEMAND, None);
        for second in 0..=60 {
            scaler.on_receive(seconds(second), 10, 10);
        }
        assert_eq!(
            scaler.on_outcome(seconds(61), Outcome::FunctionError, true),
            None
        );
        assert_eq!(scaler.concurrency(), 305);
        assert!(
            scaler
                .on_outcome(seconds(61), Outcome::FunctionError, false)
                .is_some()
        );
        assert_eq!(scaler.concurrency(), 274);
        // A burst counts once.
        assert_eq!(
            scaler.on_outcome(seconds(61), Outcome::FunctionError, false),
            None
        );
        for second in 62..200 {
            scaler.on_outcome(seconds(second), Outcome::FunctionError, false);
        }
        assert_eq!(scaler.concurrency(), 2);
    }

    #[test]
    fn an_unreachable_function_leaves_one_batch_to_probe_with_and_success_recovers() {
        let mut scaler = Scaler::new(Pacing::Eager, ON_DEMAND, None);
        for second in 0..10 {
            scaler.on_outcome(seconds(second), Outcome::NotReached, false);
        }
        assert_eq!(scaler.concurrency(), 1);
        scaler.on_receive(seconds(11), 10, 10);
        for _ in 0..8 {
            scaler.on_outcome(seconds(11), Outcome::Success, false);
        }
        assert_eq!(scaler.concurrency(), 9);
    }

    #[test]
    fn no_concurrency_exceeds_what_the_function_can_run() {
        let maximum = Concurrency::OnDemand { maximum: Some(50) };
        let provisioned = Concurrency::Provisioned {
            minimum: 2,
            maximum: 20,
        };
        for pacing in [Pacing::Eager, Pacing::Aws] {
            for concurrency in [ON_DEMAND, maximum, provisioned] {
                let mut scaler = Scaler::new(pacing, concurrency, Some(4));
                for second in 0..100 {
                    scaler.on_receive(seconds(second), 10, 10);
                    scaler.on_outcome(seconds(second), Outcome::Success, false);
                }
                assert_eq!(scaler.concurrency(), 4, "{pacing:?} {concurrency:?}");
            }
        }
    }

    #[test]
    fn success_alone_brings_the_lowest_concurrency_back() {
        let maximum = Concurrency::OnDemand { maximum: Some(7) };
        let mut scaler = Scaler::new(Pacing::Aws, maximum, None);
        for second in 0..10 {
            scaler.on_outcome(seconds(second), Outcome::NotReached, false);
        }
        assert_eq!(scaler.concurrency(), 1);
        for _ in 0..10 {
            scaler.on_outcome(seconds(10), Outcome::Success, false);
        }
        assert_eq!(scaler.concurrency(), 5);
    }

    #[test]
    fn eager_receives_double_while_they_come_back_full_and_fall_to_one_when_idle() {
        let mut scaler = Scaler::new(Pacing::Eager, ON_DEMAND, None);
        let mut pollers = vec![scaler.pollers()];
        for second in 0..6 {
            scaler.on_receive(seconds(second), 10, 10);
            pollers.push(scaler.pollers());
        }
        assert_eq!(pollers, [1, 2, 4, 8, 16, 16, 16]);
        scaler.on_receive(seconds(6), 10, 0);
        assert_eq!(scaler.pollers(), 1);
    }

    #[test]
    fn provisioned_pollers_run_ten_batches_each_between_their_bounds() {
        let provisioned = Concurrency::Provisioned {
            minimum: 3,
            maximum: 20,
        };
        let mut scaler = Scaler::new(Pacing::Aws, provisioned, None);
        assert_eq!(scaler.concurrency(), 30);
        for second in 0..=6 {
            scaler.on_receive(seconds(second), 10, 10);
        }
        assert_eq!(scaler.concurrency(), 130, "1,000 a minute");
        for second in 7..60 {
            scaler.on_receive(seconds(second), 10, 10);
        }
        assert_eq!(scaler.concurrency(), 200);
        for second in 60..70 {
            scaler.on_receive(seconds(second), 10, 0);
        }
        assert_eq!(scaler.concurrency(), 30);
    }
}
