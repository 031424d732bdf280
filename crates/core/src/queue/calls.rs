//! Calls to the queue: so many at a time as the server takes ([`CallLimit`]), deletions and releases before receives.
//!
//! Half of the calls is always left to settling, whatever receives are under way: these may wait for messages, and nothing
//! that is to be settled may wait for that. With the service's pacing nothing is held back.

use std::collections::{BTreeMap, VecDeque};

use super::action::{ReceiveId, SettleId};
use super::call_limit::{Call, CallLimit, End, Moved};
use super::call_measure::Kind;
use super::config::QueueConfig;
use super::settlements::Settling;
use crate::pacing::Pacing;
use crate::time::Timestamp;

/// What is to be settled, and waits until a call may begin.
#[derive(Debug)]
pub(super) enum Waiting {
    /// The next call of a line.
    Line(Settling),
    /// A call whose back-off ended at this time.
    Again(Timestamp, SettleId),
}

/// The calls of one mapping that are under way, and those that wait.
#[derive(Debug)]
pub(super) struct Calls {
    is_limited: bool,
    limit: CallLimit,
    now: Timestamp,
    /// By the number of the receive, or of the settle call.
    under_way: BTreeMap<u64, Call>,
    receiving: usize,
    waiting: VecDeque<Waiting>,
    /// Whether a receive would have begun but for the limit.
    receive_waits: bool,
}

/// Tells whether calls are held back. Those of a share group are not: the client asks its brokers on its own, and answers
/// receives from what it has; how long that takes tells nothing of the brokers.
fn is_limited(config: &QueueConfig) -> bool {
    config.pacing == Pacing::Eager && config.share_group.is_none()
}

impl Calls {
    pub(super) fn new(config: &QueueConfig, now: Timestamp) -> Self {
        Self {
            is_limited: is_limited(config),
            limit: CallLimit::new(now),
            now,
            under_way: BTreeMap::new(),
            receiving: 0,
            waiting: VecDeque::new(),
            receive_waits: false,
        }
    }

    /// Holds calls back, or does not, from now on.
    pub(super) fn reconfigure(&mut self, config: &QueueConfig) {
        self.is_limited = is_limited(config);
    }

    /// Time has passed.
    pub(super) fn advance(&mut self, now: Timestamp) {
        self.now = now;
        self.limit.advance(now);
    }

    /// Puts a settle call in line.
    pub(super) fn line_up(&mut self, waiting: Waiting) {
        self.waiting.push_back(waiting);
    }

    /// Tells whether nothing waits to be settled.
    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Tells whether calls are held back by the limit.
    pub(super) fn are_held(&self) -> bool {
        self.is_limited && (self.receive_waits || !self.waiting.is_empty())
    }

    /// Notes whether a receive would have begun but for the limit.
    pub(super) const fn set_receive_waits(&mut self, waits: bool) {
        self.receive_waits = waits;
    }

    /// Tells whether a receive may begin; `waits` tells whether it may wait for messages.
    pub(super) fn may_receive(&self, waits: bool) -> bool {
        let most = self.limit.most();
        let receives = if waits { most.div_ceil(2) } else { most - 1 };
        let all = self.under_way.len() + self.waiting.len();
        !self.is_limited || (self.receiving < receives && all < most)
    }

    /// Returns what is to be settled next, if a call may begin.
    pub(super) fn next_to_settle(&mut self) -> Option<Waiting> {
        let next = self.may_settle().then(|| self.waiting.pop_front());
        next.flatten()
    }

    fn may_settle(&self) -> bool {
        let most = self.limit.most();
        let settling = self.under_way.len() - self.receiving;
        let left = most.saturating_sub(self.receiving).max(most.div_ceil(2));
        !self.is_limited || settling < left
    }

    /// A receive begins; `waits` tells whether it may wait for messages.
    pub(super) fn receive(&mut self, id: ReceiveId, waits: bool) {
        self.receiving += 1;
        let call = self.limit.begin(self.now, Kind::Receive, !waits);
        self.under_way.insert(id.0, call);
    }

    /// A settle call begins.
    pub(super) fn settle(&mut self, id: SettleId) {
        let call = self.limit.begin(self.now, Kind::Settle, true);
        self.under_way.insert(id.0, call);
    }

    /// A call ended. Returns how the limit has moved, if it has.
    pub(super) fn end(&mut self, id: u64, end: End) -> Option<Moved> {
        let held = self.are_held();
        let call = self.under_way.remove(&id)?;
        if call.kind == Kind::Receive {
            self.receiving -= 1;
        }
        let moved = self.limit.end(self.now, call, end, held);
        moved.filter(|_| self.is_limited)
    }
}
