//! Who has a place among the connections, how much is held for each, and who has to go when that is too much.
//!
//! A connection costs its client nothing, so it is never refused, and never made to wait for those that say
//! nothing: one of them is closed instead. The server's own work is not interrupted, but bounded in number.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::options::Limits;

/// The part of all places that known clients may keep while they ask for nothing, when others come. The rest is
/// for requests under way, and for clients that come.
const IDLE_PART: usize = 4;

/// All connections.
pub(crate) struct Places {
    most: usize,
    most_bytes: usize,
    seats: Mutex<Seats>,
    /// Told when a place may be had.
    freed: Notify,
}

#[derive(Default)]
struct Seats {
    /// Numbers seats, and tells the order in which they came to their phases.
    count: u64,
    taken: BTreeMap<u64, Seat>,
    /// The bytes held for all.
    held: usize,
}

struct Seat {
    phase: Phase,
    since: u64,
    held: usize,
    evicted: CancellationToken,
}

/// Whose turn it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Phase {
    /// The client's, who has sent no request yet that was let in.
    Strange,
    /// The client's: to ask again, or to take the answer.
    Known,
    /// Ours.
    Working,
}

/// The place of one connection. The last clone gives it back.
#[derive(Clone)]
pub(crate) struct Place(Arc<Taken>);

struct Taken {
    places: Arc<Places>,
    number: u64,
    evicted: CancellationToken,
    /// Whether what is held is an answer, which is no more once it is written.
    answering: AtomicBool,
}

/// Says that a request is being worked on, as long as it is there.
pub(crate) struct Working(Place);

impl Places {
    pub(crate) fn new(limits: &Limits) -> Arc<Self> {
        Arc::new(Self {
            most: limits.connections,
            most_bytes: limits.held_bytes,
            seats: Mutex::default(),
            freed: Notify::new(),
        })
    }

    /// Takes a place, if need be that of the connection that has longest done nothing for it. Waits only while
    /// all are being worked for.
    pub(crate) async fn take(self: &Arc<Self>) -> Place {
        loop {
            if let Some(place) = self.try_take() {
                return place;
            }
            self.freed.notified().await;
        }
    }

    fn try_take(self: &Arc<Self>) -> Option<Place> {
        let mut seats = self.seats();
        if seats.taken.len() >= self.most && !seats.evict_idle(self.most / IDLE_PART) {
            return None;
        }
        let (number, evicted) = (seats.next(), CancellationToken::new());
        let seat = Seat {
            phase: Phase::Strange,
            since: number,
            held: 0,
            evicted: evicted.clone(),
        };
        seats.taken.insert(number, seat);
        drop(seats);
        Some(Place(Arc::new(Taken {
            places: self.clone(),
            number,
            evicted,
            answering: AtomicBool::new(false),
        })))
    }

    /// Closes the connection that has longest done nothing for its place.
    pub(crate) fn evict(&self) {
        self.seats().evict_idle(self.most / IDLE_PART);
    }

    fn seats(&self) -> MutexGuard<'_, Seats> {
        self.seats.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Seats {
    const fn next(&mut self) -> u64 {
        self.count += 1;
        self.count
    }

    /// Evicts a stranger, or a known client if those who wait are more than `idle`.
    fn evict_idle(&mut self, idle: usize) -> bool {
        let known = self.taken.values();
        let known = known.filter(|seat| seat.phase == Phase::Known).count();
        let first = if known > idle {
            Phase::Known
        } else {
            Phase::Strange
        };
        let seats = self.taken.iter();
        let waiting = seats.filter(|(_, seat)| seat.phase != Phase::Working);
        let victim = waiting.min_by_key(|(_, seat)| (seat.phase != first, seat.since));
        let victim = victim.map(|(number, _)| *number);
        victim.is_some_and(|number| self.remove(number))
    }

    /// Evicts the one for whom something is held that it has longest left lying, but not `own`.
    fn evict_holder(&mut self, own: u64) -> bool {
        let seats = self.taken.iter();
        let holders = seats.filter(|(number, seat)| {
            **number != own && seat.held > 0 && seat.phase != Phase::Working
        });
        let victim = holders.min_by_key(|(_, seat)| (seat.phase, seat.since));
        let victim = victim.map(|(number, _)| *number);
        victim.is_some_and(|number| self.remove(number))
    }

    /// Takes a seat away; returns whether it was there.
    fn remove(&mut self, number: u64) -> bool {
        let seat = self.taken.remove(&number);
        if let Some(seat) = &seat {
            self.held -= seat.held;
            seat.evicted.cancel();
        }
        seat.is_some()
    }

    fn enter(&mut self, number: u64, phase: Phase) {
        let since = self.next();
        if let Some(seat) = self.taken.get_mut(&number) {
            (seat.phase, seat.since) = (phase, since);
        }
    }

    /// Sets what is held for a seat.
    fn set_held(&mut self, number: u64, bytes: usize) {
        if let Some(seat) = self.taken.get_mut(&number) {
            self.held = self.held - seat.held + bytes;
            seat.held = bytes;
        }
    }
}

impl Place {
    /// Completes when the connection has to go.
    pub(crate) async fn evicted(&self) {
        self.0.evicted.cancelled().await;
    }

    /// Says that a request was let in, and that it is our turn until what is returned is dropped.
    pub(crate) fn work(&self) -> Working {
        self.seats().enter(self.0.number, Phase::Working);
        Working(self.clone())
    }

    /// Holds so many bytes for this client, in place of what is held for it now. Returns `false` if there is no
    /// room, though all have gone that do not take what is held for them. What is larger than all the room is
    /// held if nothing else is.
    pub(crate) fn hold(&self, bytes: usize) -> bool {
        let number = self.0.number;
        let mut seats = self.seats();
        let own = seats.taken.get(&number).map_or(0, |seat| seat.held);
        while seats.held > own && seats.held - own + bytes > self.0.places.most_bytes {
            if !seats.evict_holder(number) {
                return false;
            }
        }
        seats.set_held(number, bytes);
        true
    }

    /// Holds an answer of so many bytes until it is [written](Self::written).
    pub(crate) fn hold_answer(&self, bytes: usize) -> bool {
        let held = self.hold(bytes);
        self.0.answering.store(held, Ordering::Relaxed);
        held
    }

    /// Says that nothing waits to be written any more.
    pub(crate) fn written(&self) {
        if self.0.answering.swap(false, Ordering::Relaxed) {
            self.seats().set_held(self.0.number, 0);
        }
    }

    fn seats(&self) -> MutexGuard<'_, Seats> {
        self.0.places.seats()
    }
}

impl Working {
    pub(crate) const fn place(&self) -> &Place {
        &self.0
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        self.places.seats().remove(self.number);
        self.places.freed.notify_one();
    }
}

impl Drop for Working {
    fn drop(&mut self) {
        self.0.seats().enter(self.0.0.number, Phase::Known);
        self.0.0.places.freed.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places(most: usize, most_bytes: usize) -> Arc<Places> {
        Places::new(&Limits {
            connections: most,
            held_bytes: most_bytes,
            ..Limits::default()
        })
    }

    fn take(places: &Arc<Places>) -> Place {
        places.try_take().unwrap()
    }

    fn is_gone(place: &Place) -> bool {
        place.0.evicted.is_cancelled()
    }

    #[test]
    fn the_oldest_stranger_makes_room_and_known_clients_stay() {
        let places = places(4, 1);
        let all: Vec<_> = (0..4).map(|_| take(&places)).collect();
        drop(all[0].work());
        let fifth = take(&places);
        assert_eq!(
            all.iter().map(is_gone).collect::<Vec<_>>(),
            [false, true, false, false]
        );
        // The known one is more than a fourth as soon as there is another.
        drop(all[2].work());
        let sixth = take(&places);
        assert!(is_gone(&all[0]) && !is_gone(&all[2]) && !is_gone(&all[3]));
        let seventh = take(&places);
        assert!(is_gone(&all[3]) && !is_gone(&fifth) && !is_gone(&sixth) && !is_gone(&seventh));
    }

    #[test]
    fn nobody_is_put_out_who_is_worked_for() {
        let places = places(2, 1);
        let (first, second) = (take(&places), take(&places));
        let (working, also) = (first.work(), second.work());
        assert!(places.try_take().is_none());
        drop(working);
        take(&places);
        assert!(is_gone(&first) && !is_gone(&second));
        drop((second, also));
        assert!(places.try_take().is_some());
    }

    #[test]
    fn who_leaves_most_lying_longest_makes_room_for_bytes() {
        let places = places(9, 100);
        let (stranger, known, late) = (take(&places), take(&places), take(&places));
        drop(known.work());
        assert!(known.hold_answer(60) && stranger.hold(30) && late.hold(10));
        assert!(late.hold(20), "what was held for it before counts no more");
        assert!(is_gone(&stranger) && !is_gone(&known));
        assert!(late.hold(50));
        assert!(is_gone(&known));
        let working = late.work();
        let other = take(&places);
        assert!(!other.hold(51) && other.hold(50));
        drop((working, late));
        assert!(other.hold(1_000), "alone it may be larger");
    }

    #[test]
    fn an_answer_is_held_until_it_is_written_and_a_request_is_not_let_go_by_that() {
        let places = places(9, 100);
        let place = take(&places);
        assert!(place.hold(70));
        place.written();
        assert_eq!(places.seats().held, 70);
        assert!(place.hold_answer(80));
        place.written();
        assert_eq!(places.seats().held, 0);
        place.hold(10);
        drop(place);
        assert_eq!(places.seats().held, 0);
        assert!(places.seats().taken.is_empty());
    }
}
