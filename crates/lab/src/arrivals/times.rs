//! When records arrive, in microseconds from the beginning.

use std::sync::Arc;
use std::time::Duration;

use super::chance::Chance;
use crate::scenario::{Arrivals, RecordedArrival, Span};

const DAY: f64 = 86_400.0;

/// The moments of one kind of arrivals, in ascending order.
pub(super) struct Times {
    law: Law,
    chance: Chance,
    until: u64,
}

enum Law {
    Constant {
        rate: f64,
        from: f64,
        number: u64,
    },
    Poisson {
        rate: f64,
        at: f64,
    },
    Bursts {
        count: u64,
        left: u64,
        at: u64,
        every: Option<u64>,
    },
    Daily {
        low: f64,
        high: f64,
        /// From the beginning of the scenario to a peak.
        peak: f64,
        at: f64,
    },
    Ramp {
        from: f64,
        /// By how much the rate grows per second.
        slope: f64,
        begins: f64,
        number: u64,
    },
    Times {
        times: Arc<[Duration]>,
        next: usize,
    },
    Counts {
        step: u64,
        counts: Arc<[u64]>,
        next: usize,
        /// Those of the step before `next`, the latest first.
        drawn: Vec<u64>,
    },
    Recorded {
        records: Arc<[RecordedArrival]>,
        next: usize,
    },
}

impl Times {
    /// `midnight` is how long after midnight the scenario begins.
    pub(super) fn new(
        arrivals: &Arrivals,
        chance: Chance,
        duration: Duration,
        midnight: Duration,
    ) -> Self {
        let until = |span: &Span| micros(span.until.min(duration));
        let (law, until) = match arrivals {
            Arrivals::Constant { rate, span } => {
                let from = span.from.as_secs_f64();
                let law = Law::Constant {
                    rate: *rate,
                    from,
                    number: 0,
                };
                (law, until(span))
            }
            Arrivals::Poisson { rate, span } => {
                let at = span.from.as_secs_f64();
                (Law::Poisson { rate: *rate, at }, until(span))
            }
            Arrivals::Bursts { count, every, span } => {
                let law = Law::Bursts {
                    count: *count,
                    left: *count,
                    at: micros(span.from),
                    every: every.map(micros).filter(|&every| every > 0),
                };
                (law, until(span))
            }
            Arrivals::Daily {
                low,
                high,
                peak,
                span,
            } => {
                let law = Law::Daily {
                    low: *low,
                    high: *high,
                    peak: peak.as_secs_f64() - midnight.as_secs_f64(),
                    at: span.from.as_secs_f64(),
                };
                (law, until(span))
            }
            Arrivals::Ramp { from, to, span } => {
                let takes = span.until.saturating_sub(span.from).as_secs_f64();
                let law = Law::Ramp {
                    from: *from,
                    slope: (to - from) / takes.max(1e-6),
                    begins: span.from.as_secs_f64(),
                    number: 0,
                };
                (law, until(span))
            }
            Arrivals::Times(times) => {
                let times = times.clone();
                (Law::Times { times, next: 0 }, micros(duration))
            }
            Arrivals::Counts { step, counts } => {
                let law = Law::Counts {
                    step: micros(*step),
                    counts: counts.clone(),
                    next: 0,
                    drawn: Vec::new(),
                };
                (law, micros(duration))
            }
            Arrivals::Recorded(records) => {
                let records = records.clone();
                (Law::Recorded { records, next: 0 }, micros(duration))
            }
        };
        Self { law, chance, until }
    }

    fn draw(&mut self) -> Option<u64> {
        let chance = &mut self.chance;
        match &mut self.law {
            Law::Constant { rate, from, number } => {
                if *rate <= 0.0 {
                    return None;
                }
                let at = *from + *number as f64 / *rate;
                *number += 1;
                Some(from_seconds(at))
            }
            Law::Poisson { rate, at } => {
                if *rate <= 0.0 {
                    return None;
                }
                *at += chance.wait(*rate);
                Some(from_seconds(*at))
            }
            Law::Bursts {
                count,
                left,
                at,
                every,
            } => {
                if *left == 0 {
                    *at += (*every)?;
                    *left = *count;
                }
                *left = left.checked_sub(1)?;
                Some(*at)
            }
            Law::Daily {
                low,
                high,
                peak,
                at,
            } => {
                if *high <= 0.0 {
                    return None;
                }
                // Thinning: candidates at the highest rate, of which as many are kept as the rate of the moment says.
                while *at < self.until as f64 / 1e6 {
                    *at += chance.wait(*high);
                    let turn = (*at - *peak) / DAY * std::f64::consts::TAU;
                    let rate = *low + (*high - *low) * turn.cos().midpoint(1.0);
                    if chance.happens(rate / *high) {
                        return Some(from_seconds(*at));
                    }
                }
                None
            }
            Law::Ramp {
                from,
                slope,
                begins,
                number,
            } => {
                // So many arrive by `t`: from·t + slope·t²/2. Solved for t.
                let wanted = *number as f64;
                let root = (*from * *from + 2.0 * *slope * wanted).sqrt();
                let at = if root + *from > 0.0 {
                    2.0 * wanted / (root + *from)
                } else {
                    0.0
                };
                *number += 1;
                let has_begun = *from > 0.0 || *slope > 0.0;
                (has_begun && at.is_finite()).then(|| from_seconds(*begins + at))
            }
            Law::Times { times, next } => {
                let at = times.get(*next)?;
                *next += 1;
                Some(micros(*at))
            }
            Law::Counts {
                step,
                counts,
                next,
                drawn,
            } => {
                while drawn.is_empty() {
                    let begins = *next as u64 * *step;
                    let count = *counts.get(*next)?;
                    drawn.extend((0..count).map(|_| begins + chance.below(*step)));
                    drawn.sort_unstable_by(|one, other| other.cmp(one));
                    *next += 1;
                }
                drawn.pop()
            }
            Law::Recorded { records, next } => {
                let at = records.get(*next)?.after;
                *next += 1;
                Some(micros(at))
            }
        }
    }
}

impl Iterator for Times {
    type Item = u64;

    fn next(&mut self) -> Option<u64> {
        let at = self.draw()?;
        (at < self.until).then_some(at)
    }
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

fn from_seconds(seconds: f64) -> u64 {
    // Rounded, so that the third of three a second is not a microsecond early; a cast saturates.
    (seconds * 1e6).round() as u64
}
