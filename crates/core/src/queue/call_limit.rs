//! How many calls a queue's server is given at a time: so many as make it faster, and no more.
//!
//! By Little's law a server's throughput is the number of calls under way divided by how long one takes. Below the
//! server's knee twice the calls take as long as before, and twice as much is done; beyond it they wait for each other. So
//! what was [measured](Measure) with the present limit is compared, now and then, with a [`Trial`] of more or fewer calls:
//! more are kept if they bring more, fewer if they bring as much. A trial that did well is followed by a bolder one, one
//! that did not by longer and longer quiet. Calls that suddenly take twice as long have fewer tried at once, and a call that
//! fails as overloaded servers fail halves the limit. (Limits of this kind are known as adaptive concurrency limits;
//! nothing of it is documented of the service.)

use std::time::Duration;

use super::call_measure::{Gauge, Kind, Measure, Recent};
use crate::time::Timestamp;

/// The limit before anything is known of a server.
const START: usize = 4;
/// The lowest limit: one call to receive and one to delete.
const LEAST: usize = 2;
/// The highest limit.
const MOST: usize = 1_024;
/// A step from one limit to the next, at least and at most.
const SMALL_STEP: f64 = 1.25;
const LARGE_STEP: f64 = 2.0;
/// A limit is kept if throughput changes by more than this power of the change in calls: twice the calls must bring 7 %,
/// and a fifth fewer may cost 2 %.
const WORTH: f64 = 0.1;
/// The same where calls have slowed down: half of them may cost 16 %.
const WORTH_SLOWED: f64 = 0.25;
/// A gain, or a loss, that need not be measured any longer.
const CLEAR: f64 = 1.28;
/// How many measurements at the limit there are between trials, after one that did well and at most.
const SHORT_QUIET: u32 = 2;
const LONG_QUIET: u32 = 12;
/// After so long there is a trial in any case, so that a knee that has moved is found.
const LONGEST_QUIET: Duration = Duration::from_secs(4);
/// Calls that take so many times as long as before have fewer tried at once.
const SLOWED: f64 = 2.0;
/// What takes at most so many times as long as it did has recovered.
const RECOVERED: f64 = 1.5;

/// How a call ended, as far as the limit cares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// It was served while there was more to do.
    Served,
    /// It says nothing of the server's speed: it waited for messages, or was refused.
    Aside,
    /// It got no answer in time, or fewer calls are asked for.
    Overloaded,
}

/// A call under way.
#[derive(Clone, Copy, Debug)]
pub(super) struct Call {
    pub(super) kind: Kind,
    pub(super) began: Timestamp,
    /// Whether it will tell how fast the server is; what may wait for messages does not.
    tells: bool,
    /// Under which setting of the limit it began; `None` if there were too many from before.
    generation: Option<u64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Direction {
    Up,
    Down,
}

impl Direction {
    const fn other(self) -> Self {
        match self {
            Self::Up => Self::Down,
            Self::Down => Self::Up,
        }
    }
}

/// Another limit that is tried.
#[derive(Clone, Copy, Debug)]
struct Trial {
    limit: usize,
    direction: Direction,
    /// How much slower than before calls were when it began; 1 if it began in its turn.
    slowed: f64,
}

/// A change of the limit for good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Moved {
    pub(super) from: usize,
    pub(super) to: usize,
    pub(super) because: &'static str,
}

/// The limit of one mapping. `known` is what was measured at `base`; `gauge` measures at the trial's limit, if there is a
/// trial, and else at `base`.
#[derive(Debug)]
pub(super) struct CallLimit {
    base: usize,
    known: Option<Measure>,
    trial: Option<Trial>,
    gauge: Gauge,
    recent: Recent,
    generation: u64,
    direction: Direction,
    step: f64,
    /// How many measurements at the base are made before the next trial, and how many there were.
    quiet: u32,
    measured: u32,
    tried_at: Timestamp,
}

impl CallLimit {
    pub(super) fn new(now: Timestamp) -> Self {
        Self {
            base: START,
            known: None,
            trial: None,
            gauge: Gauge::new(now),
            recent: Recent::default(),
            generation: 0,
            direction: Direction::Up,
            step: LARGE_STEP,
            quiet: 0,
            measured: 0,
            tried_at: now,
        }
    }

    /// Returns how many calls may be under way at a time.
    pub(super) fn most(&self) -> usize {
        self.trial.map_or(self.base, |trial| trial.limit)
    }

    /// Time has passed.
    pub(super) fn advance(&mut self, now: Timestamp) {
        self.gauge.advance(now);
    }

    /// A call begins.
    pub(super) fn begin(&mut self, now: Timestamp, kind: Kind, tells: bool) -> Call {
        // While there are more calls than that from before, new ones are as slow as those.
        let most = self.most();
        let is_measured = self.gauge.begin(now, most + most / 4);
        Call {
            kind,
            began: now,
            tells,
            generation: is_measured.then_some(self.generation),
        }
    }

    /// A call ended; `held` tells whether the limit kept others from beginning meanwhile.
    pub(super) fn end(
        &mut self,
        now: Timestamp,
        call: Call,
        end: End,
        held: bool,
    ) -> Option<Moved> {
        self.gauge.end();
        // What began under another limit tells nothing of this one.
        if call.generation != Some(self.generation) {
            return None;
        }
        if end == End::Overloaded {
            return self.halve(now);
        }
        let served = (end == End::Served && call.tells).then(|| now.since(call.began));
        self.gauge.count(call.kind, served, held);
        if let Some(took) = served.filter(|_| held && self.trial.is_none())
            && let Some(known) = &self.known
        {
            self.recent.push(known.times(call.kind, took));
            if let Some(times) = self.recent.most_take(SLOWED) {
                self.slowed(now, times);
                return None;
            }
        }
        self.judge(now)
    }

    fn judge(&mut self, now: Timestamp) -> Option<Moved> {
        let most = self.most();
        let is_round = self.gauge.is_round(most);
        let is_complete = self.gauge.is_complete(now, most);
        if !is_round && !is_complete {
            return None;
        }
        if !self.gauge.tells() {
            // The limit was not what held the mapping back, so nothing was learned.
            match self.trial.take() {
                Some(_) => self.turn_back(now),
                None => self.gauge.restart(),
            }
            return None;
        }
        let measure = self.gauge.measure();
        match (self.trial, &self.known) {
            (Some(trial), Some(known)) => {
                let more = measure.calls / known.calls;
                let gain = measure.throughput_over(known);
                let is_clear = gain >= CLEAR || gain <= 1.0 / CLEAR;
                if !is_clear && !is_complete {
                    return None;
                }
                let is_other = match trial.direction {
                    Direction::Up => more > 1.0,
                    Direction::Down => more < 1.0,
                };
                let worth = if trial.slowed > 1.0 {
                    WORTH_SLOWED
                } else {
                    WORTH
                };
                if is_other && gain >= more.powf(worth) {
                    let still = measure.slowness_to(known) * trial.slowed;
                    return Some(self.keep(now, trial, measure, still));
                }
                self.reject(now);
            }
            _ if is_complete => {
                self.known = Some(match self.known.take() {
                    Some(known) => known.blend(&measure),
                    None => measure,
                });
                self.gauge.restart();
                self.measured += 1;
                let is_due = now.since(self.tried_at) >= LONGEST_QUIET;
                if is_due || self.measured >= self.quiet {
                    self.begin_trial(now, 1.0);
                }
            }
            _ => {}
        }
        None
    }

    /// Calls take `times` as long as they did: fewer are tried at once.
    fn slowed(&mut self, now: Timestamp, times: f64) {
        if let Some(known) = &mut self.known {
            known.slow_down(times);
        }
        (self.direction, self.step) = (Direction::Down, LARGE_STEP);
        self.begin_trial(now, times);
    }

    fn begin_trial(&mut self, now: Timestamp, slowed: f64) {
        self.tried_at = now;
        self.measured = 0;
        self.recent.clear();
        let limit = self.next(self.direction);
        if limit == self.base {
            self.direction = self.direction.other();
            return;
        }
        self.trial = Some(Trial {
            limit,
            direction: self.direction,
            slowed,
        });
        self.change();
    }

    /// Returns the limit that is a step away, as far as there is one.
    fn next(&self, direction: Direction) -> usize {
        let base = self.base as f64;
        match direction {
            Direction::Up => ((base * self.step).round() as usize).max(self.base + 1),
            Direction::Down => ((base / self.step).round() as usize).min(self.base - 1),
        }
        .clamp(LEAST, MOST)
    }

    /// The trial did well, and goes on with a bolder one. `still` is how much slower calls are than before they slowed
    /// down: if they have recovered, it may have been for a moment only, and more are tried again.
    fn keep(&mut self, now: Timestamp, trial: Trial, measure: Measure, still: f64) -> Moved {
        let from = std::mem::replace(&mut self.base, trial.limit);
        self.known = Some(measure);
        self.trial = None;
        self.quiet = SHORT_QUIET;
        let (direction, because) = match trial.direction {
            Direction::Up => (Direction::Up, "more calls at a time bring more"),
            Direction::Down if trial.slowed == 1.0 => {
                (Direction::Down, "fewer calls at a time bring as much")
            }
            Direction::Down if still <= RECOVERED => (Direction::Up, "calls took longer"),
            Direction::Down => (Direction::Down, "calls take longer"),
        };
        self.direction = direction;
        self.step = (self.step * self.step).clamp(SMALL_STEP, LARGE_STEP);
        self.change();
        // Calls that slowed down are compared with how they were until they have recovered.
        let slowed = if direction == Direction::Down && trial.slowed > 1.0 {
            still.max(1.0)
        } else {
            1.0
        };
        self.begin_trial(now, slowed);
        Moved {
            from,
            to: self.base,
            because,
        }
    }

    /// The trial brought nothing: a smaller step is tried, or after some quiet the other direction.
    fn reject(&mut self, now: Timestamp) {
        self.trial = None;
        if self.step > SMALL_STEP {
            self.step = self.step.sqrt().max(SMALL_STEP);
            self.quiet = 1;
        } else {
            self.direction = self.direction.other();
            self.quiet = (self.quiet * 2).clamp(SHORT_QUIET, LONG_QUIET);
        }
        self.turn_back(now);
    }

    /// The base holds again.
    fn turn_back(&mut self, now: Timestamp) {
        self.tried_at = now;
        self.measured = 0;
        self.change();
    }

    fn halve(&mut self, now: Timestamp) -> Option<Moved> {
        let from = self.base;
        self.base = (self.base.min(self.most()) / 2).max(LEAST);
        // That calls take as long as before is to be shown: if not, fewer are tried at once.
        if let Some(known) = &mut self.known {
            known.calls *= self.base as f64 / from as f64;
        }
        self.trial = None;
        (self.direction, self.step) = (Direction::Up, SMALL_STEP);
        self.quiet = LONG_QUIET;
        self.turn_back(now);
        (self.base != from).then_some(Moved {
            from,
            to: self.base,
            because: "calls were not answered, or fewer were asked for",
        })
    }

    /// Another limit holds: what is measured begins anew, with the calls that begin from now on.
    fn change(&mut self) {
        self.generation += 1;
        self.gauge.restart();
        self.recent.clear();
    }
}
