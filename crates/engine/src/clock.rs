//! The engine's time: a clock that follows tokio's, paused time included, and the system's where that jumps.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use lambda_esm_core::Timestamp;
use tokio::time::Instant;

/// Wall-clock time that never runs backwards, and stands still while tokio's time is paused.
///
/// [`Clock::system`] notices when the system's clock is set, and that the machine was asleep: a step forward
/// it takes at once, a step back it makes good by running a tenth slower until the two agree again. So
/// deadlines never move away by more than that.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    origin: Timestamp,
    anchor: Instant,
    /// How far the system's clock had stepped when this clock was made; `None` if it does not follow it.
    stepped: Option<Steps>,
}

impl Clock {
    /// Returns a clock that shows the system's time now, and from here on follows tokio's clock and the steps
    /// of the system's.
    #[must_use]
    pub fn system() -> Self {
        let (origin, steps) = follow(|system| (system.now(), system.steps));
        Self {
            stepped: Some(steps),
            ..Self::starting_at(origin)
        }
    }

    /// Returns a clock that shows `origin` now: for simulations and tests.
    #[must_use]
    pub fn starting_at(origin: Timestamp) -> Self {
        Self {
            origin,
            anchor: Instant::now(),
            stepped: None,
        }
    }

    /// Returns the time.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.after(self.anchor.elapsed(), |steps| steps.taken)
    }

    /// Returns the time as everybody else has it: with the steps of the system's clock taken at once, also
    /// those back. For signatures, and for whatever else is compared with the clocks of others.
    #[must_use]
    pub fn wall(&self) -> Timestamp {
        self.after(self.anchor.elapsed(), |steps| steps.seen)
    }

    fn after(&self, elapsed: Duration, which: impl Fn(Steps) -> i64) -> Timestamp {
        let passed = micros(elapsed).saturating_add(self.stepped(which));
        Timestamp(self.origin.0.saturating_add(passed.div_euclid(1000)))
    }

    /// Returns the steps since this clock was made.
    fn stepped(&self, which: impl Fn(Steps) -> i64) -> i64 {
        let since = |before: Steps| which(follow(|system| system.steps)) - before.taken;
        self.stepped.map_or(0, since)
    }

    /// Returns the moment of tokio's clock at which this clock shows `time`; now or earlier, if that is past.
    #[must_use]
    pub fn instant(&self, time: Timestamp) -> Instant {
        let after = time.0.saturating_sub(self.origin.0).saturating_mul(1000);
        let after = after.saturating_sub(self.stepped(|steps| steps.taken));
        self.anchor + Duration::from_micros(after.max(0).unsigned_abs())
    }

    /// Waits until this clock shows `time`.
    pub async fn sleep_until(&self, time: Timestamp) {
        tokio::time::sleep_until(self.instant(time)).await;
    }
}

/// How far the system's clock has stepped since the process first looked, in microseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Steps {
    /// All of it.
    seen: i64,
    /// What clocks show of it.
    taken: i64,
}

/// The system's clock, as far as it has to be remembered. It is one for all engines of the process, as the
/// machine has but one.
#[derive(Debug)]
struct System {
    /// What the clocks showed when first looked at: the time of day, and the time since some moment that
    /// nobody sets, which does not count sleep.
    first: (Timestamp, Duration),
    /// When the time of day was last looked at.
    compared: Duration,
    /// When steps were last taken.
    looked: Duration,
    steps: Steps,
}

/// Clocks that differ by less have been read one after the other, not set.
const STEP: i64 = 500_000;

/// How often the time of day is looked at.
const OFTEN: Duration = Duration::from_millis(50);

impl System {
    const fn new(wall: Timestamp, steady: Duration) -> Self {
        Self {
            first: (wall, steady),
            compared: steady,
            looked: steady,
            steps: Steps { seen: 0, taken: 0 },
        }
    }

    /// Takes a look: `steady` is the time since some moment.
    fn look(&mut self, steady: Duration, wall: impl FnOnce() -> Timestamp) {
        if steady.saturating_sub(self.compared) >= OFTEN {
            self.compared = steady;
            let passed = micros(steady.saturating_sub(self.first.1));
            let stepped = (wall().0 - self.first.0.0) * 1000 - passed;
            if (stepped - self.steps.seen).abs() >= STEP {
                self.steps.seen = stepped;
            }
        }
        let since = micros(steady.saturating_sub(self.looked));
        let ahead = self.steps.taken - self.steps.seen;
        if ahead <= 0 {
            self.steps.taken = self.steps.seen;
        } else {
            self.steps.taken -= ahead.min(since / 10);
        }
        self.looked = self.looked.max(steady);
    }

    /// Returns what clocks that follow the system show.
    fn now(&self) -> Timestamp {
        let passed = micros(self.looked.saturating_sub(self.first.1));
        Timestamp(self.first.0.0 + (passed + self.steps.taken) / 1000)
    }
}

fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}

/// Looks at the system's clocks.
#[expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "the one place that reads the system's clocks; tokio's may be paused, and tells of no step"
)]
fn follow<T>(read: impl FnOnce(&System) -> T) -> T {
    static SYSTEM: Mutex<Option<(std::time::Instant, System)>> = Mutex::new(None);
    let wall = || {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        let millis = since.unwrap_or_default().as_millis();
        Timestamp(i64::try_from(millis).unwrap_or(i64::MAX))
    };
    let mut system = SYSTEM.lock().unwrap_or_else(PoisonError::into_inner);
    let now = std::time::Instant::now();
    let (begun, system) = system.get_or_insert_with(|| (now, System::new(wall(), Duration::ZERO)));
    system.look(now.duration_since(*begun), wall);
    read(system)
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: i64 = 1_700_000_000_000;
    const HOUR: i64 = 3_600_000;

    /// A machine whose clocks are set by the test.
    struct Machine {
        system: System,
        steady: i64,
        wall: i64,
        shown: i64,
    }

    impl Machine {
        fn new() -> Self {
            Self {
                system: System::new(Timestamp(START), Duration::ZERO),
                steady: 0,
                wall: START,
                shown: START,
            }
        }

        /// Lets both clocks run, looked at every `every` milliseconds. Time never runs backwards.
        fn run(&mut self, millis: i64, every: i64) {
            for _ in 0..millis / every {
                self.steady += every;
                self.wall += every;
                let steady = Duration::from_millis(self.steady.unsigned_abs());
                self.system.look(steady, || Timestamp(self.wall));
                let now = self.system.now().0;
                assert!(now >= self.shown, "{} before {}", now, self.shown);
                self.shown = now;
            }
        }
    }

    #[test]
    fn a_clock_takes_a_step_forward_and_a_sleep_at_once() {
        let mut machine = Machine::new();
        machine.run(10_000, 10);
        assert_eq!(machine.shown, machine.wall);
        machine.wall += HOUR;
        machine.run(60, 10);
        assert_eq!(machine.shown, machine.wall);
    }

    #[test]
    fn a_clock_makes_a_step_back_good_a_tenth_at_a_time() {
        let mut machine = Machine::new();
        machine.run(1_000, 10);
        machine.wall -= 60_000;
        machine.run(100_000, 1);
        let ahead = machine.shown - machine.wall;
        assert!((49_990..=50_010).contains(&ahead), "{ahead}");
        assert_eq!(machine.system.steps.seen, -60_000_000);
        machine.run(501_000, 7);
        assert_eq!(machine.shown, machine.wall);
    }

    #[test]
    fn a_step_forward_ends_what_is_left_of_one_back() {
        let mut machine = Machine::new();
        machine.wall -= HOUR;
        machine.run(1_000, 10);
        machine.wall += 2 * HOUR;
        machine.run(60, 10);
        assert_eq!(machine.shown, machine.wall);
    }

    #[test]
    fn clocks_that_are_read_one_after_the_other_have_not_stepped() {
        let mut machine = Machine::new();
        for jitter in [400, -400, 250, -499, 1] {
            machine.wall += jitter;
            machine.run(1_000, 10);
            machine.wall -= jitter;
        }
        assert_eq!(machine.system.steps, Steps::default());
    }

    #[tokio::test(start_paused = true)]
    async fn a_clock_of_the_system_follows_paused_time() {
        let clock = Clock::system();
        let begun = clock.now();
        tokio::time::sleep(Duration::from_secs(3600)).await;
        assert_eq!(clock.now(), begun + Duration::from_secs(3600));
        assert_eq!(clock.wall(), clock.now());
        clock.sleep_until(begun + Duration::from_secs(7200)).await;
        assert_eq!(clock.now(), begun + Duration::from_secs(7200));
    }
}
