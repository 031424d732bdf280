//! How many batches a queue mapping works on at a time, and how many receives it keeps open.
//!
//! With the service's pacing by the constants of [`scaling_model`](crate::scaling_model), where their sources are.

use std::time::Duration;

use super::config::Concurrency;
use crate::pacing::Pacing;
use crate::scaling_model::{
    QUEUE_BATCHES_PER_POLLER, QUEUE_EMPTY_RECEIVES, QUEUE_FAILURE_CUT, QUEUE_FAILURE_INTERVAL,
    QUEUE_GROWTH_PER_MINUTE, QUEUE_IDLE, QUEUE_MAXIMUM, QUEUE_PROVISIONED_GROWTH_PER_MINUTE,
    QUEUE_START, QUEUE_THROTTLE_CUT, QUEUE_THROTTLE_INTERVAL,
};
use crate::time::Timestamp;

/// With eager pacing a failure takes away this share of the concurrent batches.
const EAGER_FAILURE_CUT: f64 = 0.1;
/// With eager pacing a failure lowers the limit at most this often, so that one burst of failures counts once.
const EAGER_FAILURE_INTERVAL: Duration = Duration::from_secs(1);
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
            Concurrency::OnDemand { .. } => QUEUE_START.clamp(floor, ceiling),
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

    /// Tells whether the last receive was full.
    pub(super) const fn has_backlog(&self) -> bool {
        self.backlog_since.is_some()
    }

    /// A receive asked for `asked` messages and got `got`. With eager pacing one that brought fewer is followed by fewer
    /// at a time: what waits in the queue meanwhile makes the next ones fuller.
    pub(super) fn on_receive(&mut self, now: Timestamp, asked: usize, got: usize) {
        if got == 0 {
            self.backlog_since = None;
            self.empty_receives = self.empty_receives.saturating_add(1);
            self.pollers = self.idle_pollers();
            if self.empty_receives >= QUEUE_EMPTY_RECEIVES {
                self.level = self.level.min(QUEUE_START.max(self.floor));
            }
            if self.empty_receives >= 2 * QUEUE_EMPTY_RECEIVES {
                self.level = self.level.min(self.floor);
            }
            return;
        }
        if self.empty_receives > 0 {
            self.empty_receives = 0;
            self.level = self.level.max(QUEUE_START.clamp(self.floor, self.ceiling));
        }
        if got < asked {
            self.backlog_since = None;
            if self.pacing == Pacing::Eager {
                self.pollers = (self.pollers - 1).max(1);
            }
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

    /// A batch ended. Returns why the limit was lowered, if it was. With eager pacing it is raised only where more is
    /// needed than half of it.
    pub(super) fn on_outcome(
        &mut self,
        now: Timestamp,
        outcome: Outcome,
        partial_responses: bool,
        is_needed: bool,
    ) -> Option<&'static str> {
        let ((cut, interval), because) = match outcome {
            Outcome::Success => {
                if self.pacing == Pacing::Eager && self.backlog_since.is_some() && is_needed {
                    self.level = (self.level + 1.0).min(self.ceiling);
                } else if self.level < self.floor {
                    self.level = (self.level + 1.0).min(self.floor);
                }
                return None;
            }
            // With partial batch responses, failures do not slow the polling down.
            Outcome::FunctionError if partial_responses => return None,
            Outcome::FunctionError => (self.failure_cut(), "the function failed"),
            Outcome::NotReached => (
                (QUEUE_THROTTLE_CUT, QUEUE_THROTTLE_INTERVAL),
                "the function could not be reached or was throttled",
            ),
        };
        if self.lowered_at.is_some_and(|at| now.since(at) < interval) {
            return None;
        }
        self.lowered_at = Some(now);
        let before = self.concurrency();
        let lowest = if outcome == Outcome::NotReached {
            1.0
        } else {
            self.floor.min(QUEUE_IDLE)
        };
        self.level = (self.level * (1.0 - cut)).max(lowest.min(self.level));
        (self.concurrency() < before).then_some(because)
    }

    /// Returns the share that a failure takes away, and how often at most.
    const fn failure_cut(&self) -> (f64, Duration) {
        match self.pacing {
            Pacing::Eager => (EAGER_FAILURE_CUT, EAGER_FAILURE_INTERVAL),
            Pacing::Aws => (QUEUE_FAILURE_CUT, QUEUE_FAILURE_INTERVAL),
        }
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
        } => (
            QUEUE_START,
            f64::from(maximum),
            QUEUE_GROWTH_PER_MINUTE / 60.0,
        ),
        Concurrency::OnDemand { maximum: None } => {
            (QUEUE_IDLE, QUEUE_MAXIMUM, QUEUE_GROWTH_PER_MINUTE / 60.0)
        }
        Concurrency::Provisioned { minimum, maximum } => (
            f64::from(minimum) * QUEUE_BATCHES_PER_POLLER,
            f64::from(maximum) * QUEUE_BATCHES_PER_POLLER,
            QUEUE_PROVISIONED_GROWTH_PER_MINUTE / 60.0,
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
            scaler.on_outcome(seconds(61), Outcome::FunctionError, true, true),
            None
        );
        assert_eq!(scaler.concurrency(), 305);
        assert!(
            scaler
                .on_outcome(seconds(61), Outcome::FunctionError, false, true)
                .is_some()
        );
        assert_eq!(scaler.concurrency(), 292);
        // A burst counts once.
        assert_eq!(
            scaler.on_outcome(seconds(61), Outcome::FunctionError, false, true),
            None
        );
        for second in 62..200 {
            scaler.on_outcome(seconds(second), Outcome::FunctionError, false, true);
        }
        assert_eq!(scaler.concurrency(), 2);
    }

    /// Measured in public: 60 concurrent invocations fell to 25, 16 and 13 (rehanvdm.com, "7 SQS Lambda ESM Scaling
    /// Behaviours", experiment with errors).
    #[test]
    fn errors_cut_the_steady_concurrency_as_far_as_was_measured() {
        for (error_rate, measured) in [(0.01, 25.0), (0.05, 16.0), (0.10, 13.0)] {
            let mut scaler = Scaler::new(Pacing::Aws, ON_DEMAND, None);
            let mut random = crate::backoff::Random::new(1);
            let (mut ended, mut sum) = (0.0, 0.0);
            for milli in 0..300_000 {
                let now = Timestamp(milli);
                scaler.on_receive(now, 1, 1);
                // Every invocation takes 30 ms.
                ended += scaler.concurrency() as f64 / 30.0;
                while ended >= 1.0 {
                    ended -= 1.0;
                    let outcome = if random.fraction() < error_rate {
                        Outcome::FunctionError
                    } else {
                        Outcome::Success
                    };
                    scaler.on_outcome(now, outcome, false, true);
                }
                if milli >= 60_000 {
                    sum += scaler.concurrency() as f64 / 240_000.0;
                }
            }
            let points = 100.0 * (sum - measured) / 60.0;
            assert!(
                points.abs() < 5.0,
                "{sum} instead of {measured} at {error_rate}"
            );
        }
    }

    #[test]
    fn an_unreachable_function_leaves_one_batch_to_probe_with_and_success_recovers() {
        let mut scaler = Scaler::new(Pacing::Eager, ON_DEMAND, None);
        for second in 0..10 {
            scaler.on_outcome(seconds(second), Outcome::NotReached, false, true);
        }
        assert_eq!(scaler.concurrency(), 1);
        scaler.on_receive(seconds(11), 10, 10);
        for _ in 0..8 {
            scaler.on_outcome(seconds(11), Outcome::Success, false, true);
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
                    scaler.on_outcome(seconds(second), Outcome::Success, false, true);
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
            scaler.on_outcome(seconds(second), Outcome::NotReached, false, true);
        }
        assert_eq!(scaler.concurrency(), 1);
        for _ in 0..10 {
            scaler.on_outcome(seconds(10), Outcome::Success, false, true);
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
