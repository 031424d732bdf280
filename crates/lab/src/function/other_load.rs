//! Invocations of others, which take of a function's concurrency.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::arrivals::Chance;
use crate::scenario::OtherLoad;

/// Invocations of others, brought up to the time when somebody looks. Times are microseconds from the beginning.
#[derive(Debug)]
pub(super) struct Others {
    loads: Vec<Load>,
    chance: Chance,
    /// When those that run end.
    running: BinaryHeap<Reverse<u64>>,
    pub(super) throttles: u64,
}

#[derive(Debug)]
struct Load {
    rate: f64,
    next: Option<f64>,
    until: f64,
}

impl Others {
    pub(super) fn new(loads: &[OtherLoad], mut chance: Chance) -> Self {
        let loads = loads.iter().map(|load| {
            let next = load.span.from.as_secs_f64() + chance.wait(load.rate);
            let until = load.span.until.as_secs_f64();
            Load {
                rate: load.rate,
                next: (next < until).then_some(next),
                until,
            }
        });
        Self {
            loads: loads.collect(),
            chance,
            running: BinaryHeap::new(),
            throttles: 0,
        }
    }

    /// Goes on to `now`: `room` is for how many there is room at a time, and `takes` draws how long one takes in seconds.
    /// `seen` is told how many run whenever that grows.
    pub(super) fn advance(
        &mut self,
        now: u64,
        room: u64,
        mut takes: impl FnMut() -> f64,
        mut seen: impl FnMut(u64),
    ) {
        loop {
            let loads = self.loads.iter_mut();
            let coming = loads.filter_map(|load| Some((load.next?, load)));
            let next = coming.min_by(|one, other| one.0.total_cmp(&other.0));
            let Some((at, load)) = next.filter(|(at, _)| micros(*at) <= now) else {
                break;
            };
            let following = at + self.chance.wait(load.rate);
            load.next = (following < load.until).then_some(following);
            self.end(micros(at));
            if self.running() < room {
                self.running.push(Reverse(micros(at + takes())));
                seen(self.running());
            } else {
                self.throttles += 1;
            }
        }
        self.end(now);
    }

    pub(super) fn running(&self) -> u64 {
        self.running.len() as u64
    }

    fn end(&mut self, now: u64) {
        while let Some(&Reverse(ends)) = self.running.peek()
            && ends <= now
        {
            self.running.pop();
        }
    }
}

fn micros(seconds: f64) -> u64 {
    (seconds * 1e6).round() as u64
}
