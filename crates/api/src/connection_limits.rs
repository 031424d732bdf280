//! The limits of connections: how many there are, how many bytes are held for each, and which is closed when that
//! is too much.
//!
//! A connection costs its client nothing, so it is never refused, and never made to wait for those that say
//! nothing: one of them is closed instead. The server's own work is not interrupted, but bounded in number.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::options::ApiLimits;

/// The part of all connections that known clients may keep while they ask for nothing, when others come. The rest
/// is for requests under way, and for clients that come.
const IDLE_PART: usize = 4;

/// All connections, and how many there may be.
pub(crate) struct ConnectionLimits {
    most: usize,
    most_bytes: usize,
    open: Mutex<OpenConnections>,
    /// Told when there may be room for one more.
    freed: Notify,
}

#[derive(Default)]
struct OpenConnections {
    /// Numbers connections, and tells the order in which they came to their phases.
    count: u64,
    by_number: BTreeMap<u64, OpenConnection>,
    /// The bytes held for all.
    held: usize,
}

struct OpenConnection {
    phase: Phase,
    since: u64,
    held: usize,
    evicted: CancellationToken,
}

/// Whose turn it is on a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Phase {
    /// The client's, who has sent no request yet that was let in.
    Stranger,
    /// The client's: to ask again, or to take the answer.
    Idle,
    /// Ours.
    Active,
}

/// One connection among those that are open. It counts until its last clone is dropped.
#[derive(Clone)]
pub(crate) struct ConnectionPermit(Arc<Counted>);

struct Counted {
    limits: Arc<ConnectionLimits>,
    number: u64,
    evicted: CancellationToken,
    /// Whether what is held is an answer, which is no more once it is written.
    answering: AtomicBool,
}

/// A request that is being worked on, as long as this is there.
pub(crate) struct ActiveRequest(ConnectionPermit);

impl ConnectionLimits {
    pub(crate) fn new(limits: &ApiLimits) -> Arc<Self> {
        Arc::new(Self {
            most: limits.connections,
            most_bytes: limits.held_bytes,
            open: Mutex::default(),
            freed: Notify::new(),
        })
    }

    /// Counts one more connection; if need be, the one is closed that has longest done nothing. Waits only while
    /// all are being worked for.
    pub(crate) async fn acquire(self: &Arc<Self>) -> ConnectionPermit {
        loop {
            if let Some(permit) = self.try_acquire() {
                return permit;
            }
            self.freed.notified().await;
        }
    }

    fn try_acquire(self: &Arc<Self>) -> Option<ConnectionPermit> {
        let mut open = self.open();
        if open.by_number.len() >= self.most && !open.evict_idle(self.most / IDLE_PART) {
            return None;
        }
        let (number, evicted) = (open.next(), CancellationToken::new());
        let connection = OpenConnection {
            phase: Phase::Stranger,
            since: number,
            held: 0,
            evicted: evicted.clone(),
        };
        open.by_number.insert(number, connection);
        drop(open);
        Some(ConnectionPermit(Arc::new(Counted {
            limits: self.clone(),
            number,
            evicted,
            answering: AtomicBool::new(false),
        })))
    }

    /// Closes the connection that has longest done nothing.
    pub(crate) fn evict(&self) {
        self.open().evict_idle(self.most / IDLE_PART);
    }

    fn open(&self) -> MutexGuard<'_, OpenConnections> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl OpenConnections {
    const fn next(&mut self) -> u64 {
        self.count += 1;
        self.count
    }

    /// Evicts a stranger, or a known client if those who wait are more than `idle`.
    fn evict_idle(&mut self, idle: usize) -> bool {
        let known = self.by_number.values();
        let known = known
            .filter(|connection| connection.phase == Phase::Idle)
            .count();
        let first = if known > idle {
            Phase::Idle
        } else {
            Phase::Stranger
        };
        let connections = self.by_number.iter();
        let waiting = connections.filter(|(_, connection)| connection.phase != Phase::Active);
        let victim =
            waiting.min_by_key(|(_, connection)| (connection.phase != first, connection.since));
        let victim = victim.map(|(number, _)| *number);
        victim.is_some_and(|number| self.remove(number))
    }

    /// Evicts the one for whom something is held that it has longest left lying, but not `own`.
    fn evict_holder(&mut self, own: u64) -> bool {
        let connections = self.by_number.iter();
        let holders = connections.filter(|(number, connection)| {
            **number != own && connection.held > 0 && connection.phase != Phase::Active
        });
        let victim = holders.min_by_key(|(_, connection)| (connection.phase, connection.since));
        let victim = victim.map(|(number, _)| *number);
        victim.is_some_and(|number| self.remove(number))
    }

    /// Closes a connection; returns whether it was open.
    fn remove(&mut self, number: u64) -> bool {
        let connection = self.by_number.remove(&number);
        if let Some(connection) = &connection {
            self.held -= connection.held;
            connection.evicted.cancel();
        }
        connection.is_some()
    }

    fn enter(&mut self, number: u64, phase: Phase) {
        let since = self.next();
        if let Some(connection) = self.by_number.get_mut(&number) {
            (connection.phase, connection.since) = (phase, since);
        }
    }

    /// Sets what is held for a connection.
    fn set_held(&mut self, number: u64, bytes: usize) {
        if let Some(connection) = self.by_number.get_mut(&number) {
            self.held = self.held - connection.held + bytes;
            connection.held = bytes;
        }
    }
}

impl ConnectionPermit {
    /// Completes when the connection has to go.
    pub(crate) async fn evicted(&self) {
        self.0.evicted.cancelled().await;
    }

    /// Says that a request was let in, and that it is our turn until what is returned is dropped.
    pub(crate) fn begin_request(&self) -> ActiveRequest {
        self.open().enter(self.0.number, Phase::Active);
        ActiveRequest(self.clone())
    }

    /// Holds so many bytes for this client, in place of what is held for it now. Returns `false` if there is no
    /// room, though all have gone that do not take what is held for them. What is larger than all the room is
    /// held if nothing else is.
    pub(crate) fn hold(&self, bytes: usize) -> bool {
        let number = self.0.number;
        let mut open = self.open();
        let own = open
            .by_number
            .get(&number)
            .map_or(0, |connection| connection.held);
        while open.held > own && open.held - own + bytes > self.0.limits.most_bytes {
            if !open.evict_holder(number) {
                return false;
            }
        }
        open.set_held(number, bytes);
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
            self.open().set_held(self.0.number, 0);
        }
    }

    fn open(&self) -> MutexGuard<'_, OpenConnections> {
        self.0.limits.open()
    }
}

impl ActiveRequest {
    pub(crate) const fn permit(&self) -> &ConnectionPermit {
        &self.0
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.limits.open().remove(self.number);
        self.limits.freed.notify_one();
    }
}

impl Drop for ActiveRequest {
    fn drop(&mut self) {
        self.0.open().enter(self.0.0.number, Phase::Idle);
        self.0.0.limits.freed.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits(most: usize, most_bytes: usize) -> Arc<ConnectionLimits> {
        ConnectionLimits::new(&ApiLimits {
            connections: most,
            held_bytes: most_bytes,
            ..ApiLimits::default()
        })
    }

    fn acquire(limits: &Arc<ConnectionLimits>) -> ConnectionPermit {
        limits.try_acquire().unwrap()
    }

    fn is_gone(permit: &ConnectionPermit) -> bool {
        permit.0.evicted.is_cancelled()
    }

    #[test]
    fn the_oldest_stranger_makes_room_and_known_clients_stay() {
        let limits = limits(4, 1);
        let all: Vec<_> = (0..4).map(|_| acquire(&limits)).collect();
        drop(all[0].begin_request());
        let fifth = acquire(&limits);
        assert_eq!(
            all.iter().map(is_gone).collect::<Vec<_>>(),
            [false, true, false, false]
        );
        // The known one is more than a fourth as soon as there is another.
        drop(all[2].begin_request());
        let sixth = acquire(&limits);
        assert!(is_gone(&all[0]) && !is_gone(&all[2]) && !is_gone(&all[3]));
        let seventh = acquire(&limits);
        assert!(is_gone(&all[3]) && !is_gone(&fifth) && !is_gone(&sixth) && !is_gone(&seventh));
    }

    #[test]
    fn nobody_is_put_out_who_is_worked_for() {
        let limits = limits(2, 1);
        let (first, second) = (acquire(&limits), acquire(&limits));
        let (working, also) = (first.begin_request(), second.begin_request());
        assert!(limits.try_acquire().is_none());
        drop(working);
        acquire(&limits);
        assert!(is_gone(&first) && !is_gone(&second));
        drop((second, also));
        assert!(limits.try_acquire().is_some());
    }

    #[test]
    fn who_leaves_most_lying_longest_makes_room_for_bytes() {
        let limits = limits(9, 100);
        let (stranger, known, late) = (acquire(&limits), acquire(&limits), acquire(&limits));
        drop(known.begin_request());
        assert!(known.hold_answer(60) && stranger.hold(30) && late.hold(10));
        assert!(late.hold(20), "what was held for it before counts no more");
        assert!(is_gone(&stranger) && !is_gone(&known));
        assert!(late.hold(50));
        assert!(is_gone(&known));
        let working = late.begin_request();
        let other = acquire(&limits);
        assert!(!other.hold(51) && other.hold(50));
        drop((working, late));
        assert!(other.hold(1_000), "alone it may be larger");
    }

    #[test]
    fn an_answer_is_held_until_it_is_written_and_a_request_is_not_let_go_by_that() {
        let limits = limits(9, 100);
        let permit = acquire(&limits);
        assert!(permit.hold(70));
        permit.written();
        assert_eq!(limits.open().held, 70);
        assert!(permit.hold_answer(80));
        permit.written();
        assert_eq!(limits.open().held, 0);
        permit.hold(10);
        drop(permit);
        assert_eq!(limits.open().held, 0);
        assert!(limits.open().by_number.is_empty());
    }
}
