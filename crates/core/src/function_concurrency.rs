//! Whose turn it is to call a function: first come, first served, and no more at a time than it can run.
//!
//! How many that is may be known. Where it is not, or where others call the function too, its throttles tell:
//! after one, no more run at a time than the function had beside the throttled one, until it has been left
//! alone for a while; then again one more with each answer. So those that were throttled get their turn, and
//! those that were not do not keep it to themselves. Lambda documents no order among the pollers of a function.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::backoff::{Backoff, Random};
use crate::time::Timestamp;

/// How long no more than the function had are sent to it after throttles.
const HOLD: Backoff = Backoff {
    jitter: 0.0,
    ..Backoff::INVOKE
};

/// So long after a hold without another throttle the function counts as one without a limit.
const FORGOTTEN: Duration = Duration::from_secs(60);

/// A place in the line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticket(u64);

/// How a turn ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// The function had it.
    Answered,
    /// The function runs as many as it can.
    Throttled,
    /// It was given back, or nothing is known of the function's concurrency by it.
    Unused,
}

/// The turns of one function.
#[derive(Debug)]
pub struct FunctionConcurrency {
    /// How many invocations the function can run at a time, if that is known.
    known: Option<usize>,
    found: Option<Found>,
    running: usize,
    line: BTreeSet<Ticket>,
    last: u64,
}

/// What throttles have shown.
#[derive(Debug)]
struct Found {
    /// How many may run at a time.
    most: usize,
    /// Until then it does not grow.
    hold: Timestamp,
    /// How often in a row it had hardly grown when the function throttled again.
    failures: u32,
    /// How often it has grown since.
    grown: usize,
    /// When the function last answered, or was sent more than it was known to run.
    last: Timestamp,
}

impl Found {
    /// Returns when one more may be sent although the function has not answered.
    fn probe_at(&self) -> Timestamp {
        self.hold.max(self.last + HOLD.first)
    }
}

impl Default for FunctionConcurrency {
    fn default() -> Self {
        Self::new()
    }
}

impl FunctionConcurrency {
    /// Returns the turns of a function of which nothing is known.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            known: None,
            found: None,
            running: 0,
            line: BTreeSet::new(),
            last: 0,
        }
    }

    /// Sets how many invocations the function can run at a time; `None` if that is not known, and 0 counts
    /// as 1.
    pub fn set_known(&mut self, known: Option<usize>) {
        self.known = known.map(|known| known.max(1));
    }

    /// Lines up. [`next`](Self::next) tells when it is the ticket's turn.
    pub fn line_up(&mut self) -> Ticket {
        self.last += 1;
        let ticket = Ticket(self.last);
        self.line.insert(ticket);
        ticket
    }

    /// Leaves the line. Does nothing if the ticket has had its turn.
    pub fn leave(&mut self, ticket: Ticket) {
        self.line.remove(&ticket);
    }

    /// Returns whose turn it is now, if somebody's; each turn [ends](Self::ended) some time. To be called
    /// until `None` after every change, and at [`next_deadline`](Self::next_deadline).
    pub fn next(&mut self, now: Timestamp) -> Option<Ticket> {
        let first = *self.line.first()?;
        if self.known.is_some_and(|known| self.running >= known) {
            return None;
        }
        if let Some(found) = &mut self.found
            && self.running >= found.most
        {
            if now < found.probe_at() {
                return None;
            }
            // It may be busy for long with what it has, and could run more.
            found.most = self.running + 1;
            found.grown += 1;
            found.last = now;
        }
        self.line.remove(&first);
        self.running += 1;
        Some(first)
    }

    /// A turn ended.
    pub fn ended(&mut self, now: Timestamp, how: Ended) {
        self.running = self.running.saturating_sub(1);
        match how {
            Ended::Answered => self.answered(now),
            Ended::Throttled => self.throttled(now),
            Ended::Unused => {}
        }
    }

    fn answered(&mut self, now: Timestamp) {
        let Some(found) = &mut self.found else { return };
        found.last = now;
        if now >= found.hold + FORGOTTEN {
            self.found = None;
        } else if now >= found.hold && self.running + 1 >= found.most {
            // All that may run did.
            found.most += 1;
            found.grown += 1;
        }
    }

    fn throttled(&mut self, now: Timestamp) {
        let most = self.running.max(1);
        match &mut self.found {
            // One of several that were sent together.
            Some(found) if now < found.hold => found.most = most.min(found.most),
            found => {
                let before = found.as_ref();
                let hardly_grown = before.filter(|found| found.grown <= found.most);
                let failures = hardly_grown.map_or(0, |found| found.failures) + 1;
                *found = Some(Found {
                    most,
                    hold: now + HOLD.wait(failures, &mut Random::new(0)),
                    failures,
                    grown: 0,
                    last: now,
                });
            }
        }
    }

    /// Returns when it may be somebody's turn although nothing else happens.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Timestamp> {
        let is_full = self.known.is_some_and(|known| self.running >= known);
        let found = self.found.as_ref()?;
        (!is_full && !self.line.is_empty()).then(|| found.probe_at())
    }

    /// Returns how many have their turn now.
    #[must_use]
    pub const fn running(&self) -> usize {
        self.running
    }

    /// Returns how many wait.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.line.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: i64) -> Timestamp {
        Timestamp(millis)
    }

    fn all(turns: &mut FunctionConcurrency, now: i64) -> Vec<Ticket> {
        std::iter::from_fn(|| turns.next(at(now))).collect()
    }

    #[test]
    fn who_came_first_is_served_first_and_no_more_than_can_run() {
        let mut turns = FunctionConcurrency::new();
        turns.set_known(Some(2));
        let tickets: Vec<Ticket> = (0..4).map(|_| turns.line_up()).collect();
        assert_eq!(all(&mut turns, 0), tickets[..2]);
        turns.leave(tickets[2]);
        turns.ended(at(1), Ended::Answered);
        let again = turns.line_up();
        assert_eq!(all(&mut turns, 1), tickets[3..]);
        turns.ended(at(2), Ended::Unused);
        assert_eq!(all(&mut turns, 2), [again]);
        assert_eq!((turns.running(), turns.waiting()), (2, 0));
    }

    #[test]
    fn where_nothing_is_known_nobody_waits() {
        let mut turns = FunctionConcurrency::new();
        for _ in 0..1_000 {
            turns.line_up();
        }
        assert_eq!(all(&mut turns, 0).len(), 1_000);
    }

    #[test]
    fn a_limit_that_is_lowered_holds_from_the_next_turn_on() {
        let mut turns = FunctionConcurrency::new();
        turns.line_up();
        turns.line_up();
        assert_eq!(all(&mut turns, 0).len(), 2);
        turns.set_known(Some(0));
        turns.line_up();
        turns.ended(at(1), Ended::Answered);
        assert_eq!(all(&mut turns, 1), []);
        turns.ended(at(2), Ended::Answered);
        assert_eq!(all(&mut turns, 2).len(), 1);
    }

    /// Four that call a function without rest, which runs one at a time for 10 ms and says so to nobody.
    #[test]
    fn a_function_that_throttles_serves_all_alike_and_is_seldom_asked_for_more() {
        let mut turns = FunctionConcurrency::new();
        let mut served = [0_u32; 4];
        let mut throttled = 0;
        let mut places: Vec<(usize, Ticket)> = (0..4).map(|who| (who, turns.line_up())).collect();
        // When each of those that were throttled lines up again.
        let mut resting: Vec<(i64, usize)> = Vec::new();
        let mut busy: Option<(i64, usize)> = None;
        for now in 0..60_000 {
            if let Some((_, who)) = busy.take_if(|(end, _)| *end <= now) {
                served[who] += 1;
                turns.ended(at(now), Ended::Answered);
                places.push((who, turns.line_up()));
            }
            let (rested, still): (Vec<_>, Vec<_>) =
                resting.into_iter().partition(|(until, _)| *until <= now);
            resting = still;
            places.extend(rested.into_iter().map(|(_, who)| (who, turns.line_up())));
            for ticket in all(&mut turns, now) {
                let place = places.iter().position(|(_, each)| *each == ticket);
                let (who, _) = places.swap_remove(place.unwrap());
                if busy.is_some() {
                    throttled += 1;
                    turns.ended(at(now), Ended::Throttled);
                    resting.push((now + 200, who));
                } else {
                    busy = Some((now + 10, who));
                }
            }
        }
        let (least, most) = (served.iter().min().unwrap(), served.iter().max().unwrap());
        assert!(most - least <= most / 20, "{served:?}");
        assert!(served.iter().sum::<u32>() > 5_800, "{served:?}");
        assert!(throttled < 30, "{throttled}");
    }

    #[test]
    fn a_function_that_can_run_more_again_is_found_out_though_its_last_invocation_never_ends() {
        let mut turns = FunctionConcurrency::new();
        turns.line_up();
        turns.line_up();
        assert_eq!(all(&mut turns, 0).len(), 2);
        turns.ended(at(5), Ended::Throttled);
        turns.line_up();
        assert_eq!(all(&mut turns, 100), []);
        let deadline = turns.next_deadline().unwrap();
        assert_eq!(deadline, at(205));
        assert_eq!(all(&mut turns, 205).len(), 1);
        assert_eq!(turns.next_deadline(), None);
    }

    #[test]
    fn after_a_burst_of_throttles_a_function_without_a_limit_is_soon_free_again() {
        let mut turns = FunctionConcurrency::new();
        for _ in 0..50 {
            turns.line_up();
        }
        assert_eq!(all(&mut turns, 0).len(), 50);
        for _ in 0..49 {
            turns.ended(at(1), Ended::Throttled);
        }
        // Each answer takes 10 ms, and all want another turn at once.
        let mut now = 200;
        for _ in 0..49 {
            turns.line_up();
        }
        let mut running = 1;
        while turns.running() < 50 {
            now += 10;
            for _ in 0..running {
                turns.ended(at(now), Ended::Answered);
                turns.line_up();
                all(&mut turns, now);
            }
            running = turns.running();
            assert!(now < 400, "{running} run at a time after {now} ms");
        }
    }
}
