//! What a member holds, what it wants, and what it has to tell the brokers: without input or output, and with the time as
//! an argument.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use lambda_esm_core::fault::{SourceError, SourceErrorKind};
use lambda_esm_core::record::{QueueContent, QueueMessage, SharedRecord};
use lambda_esm_engine::ports::{Received, SettleVerb, Settlement, UnreadableMessage};
use tokio::time::Instant;

use super::acknowledgement::{Acknowledgement, Bundle, Kind, Outcome};
use super::cluster::GroupSettings;
use super::receipt::Acquired;
use super::records::Page;
use super::settling::{Settling, expired};
use super::whole_batches::{Demand, WholeBatches};

/// The most records that one fetch asks for: what many receives want together.
const FETCH: usize = 5_000;
/// After which part of its time a lock is renewed of what nobody has asked for yet.
const EARLY: u32 = 4;
/// The most unreadable records that are told of at a time.
const UNREADABLE: usize = 1_000;

/// A share session: one broker's, over one connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct SessionId {
    pub(super) broker: i32,
    /// Counts the sessions of a member.
    pub(super) number: u64,
}

/// A partition of a topic, by the topic's id.
pub(super) type Place = ([u8; 16], i32);

/// Where what is acquired comes from.
#[derive(Clone, Copy, Debug)]
pub(super) struct Origin {
    pub(super) session: SessionId,
    pub(super) place: Place,
}

#[derive(Clone, Copy, Debug)]
struct Held {
    origin: Origin,
    number: u64,
    came: Instant,
    locked_until: Instant,
}

/// What a session is to do next.
#[derive(Debug)]
pub(super) enum Step {
    /// Nothing before this time.
    Wait(Instant),
    /// Records, and to tell these bundles along with it.
    Fetch(Demand, Vec<Bundle>),
    Acknowledge(Vec<Bundle>),
}

/// The books of one member.
#[derive(Debug)]
pub(super) struct LockBook {
    member: String,
    /// How long a lock lasts, as a broker said last.
    pub(super) lock: Duration,
    pub(super) can_renew: bool,
    /// What is acquired and not settled, by partition and offset.
    held: HashMap<(i32, i64), Held>,
    acquisitions: u64,
    /// What nobody has asked for yet, though it is acquired.
    arrived: VecDeque<(Acquired, QueueMessage)>,
    /// Before this time nothing of it is to be renewed.
    look_at_arrived: Option<Instant>,
    unreadable: Vec<UnreadableMessage>,
    /// How much each open receive wants.
    wanted: BTreeMap<u64, usize>,
    receives: u64,
    /// The fetches that are under way, by broker, each with its number.
    fetching: BTreeMap<i32, u64>,
    fetches: u64,
    /// What is to be told, by the broker that it is told to.
    pending: BTreeMap<i32, VecDeque<Bundle>>,
    whole_batches: WholeBatches,
}

impl LockBook {
    /// Returns the books of a member that holds nothing.
    pub(super) fn new(member: String, settings: GroupSettings) -> Self {
        Self {
            member,
            lock: settings.lock,
            can_renew: settings.can_renew,
            held: HashMap::new(),
            acquisitions: 0,
            arrived: VecDeque::new(),
            look_at_arrived: None,
            unreadable: Vec::new(),
            wanted: BTreeMap::new(),
            receives: 0,
            fetching: BTreeMap::new(),
            fetches: 0,
            pending: BTreeMap::new(),
            whole_batches: WholeBatches::default(),
        }
    }

    /// Begins a receive, and returns its number.
    pub(super) fn want(&mut self, max: usize) -> u64 {
        self.receives += 1;
        self.wanted.insert(self.receives, max);
        self.receives
    }

    /// Ends a receive.
    pub(super) fn want_no_more(&mut self, receive: u64) {
        self.wanted.remove(&receive);
    }

    /// Hands out what has arrived, if anything has.
    pub(super) fn take(&mut self, now: Instant, max: usize) -> Option<Received> {
        if self.arrived.is_empty() && self.unreadable.is_empty() {
            return None;
        }
        let first = self.arrived.front();
        if let Some(held) = first.and_then(|(acquired, _)| self.held_by(*acquired)) {
            self.whole_batches
                .waited(now, now.saturating_duration_since(held.came));
        }
        let count = self.arrived.len().min(max);
        let messages = self.arrived.drain(..count).map(|(_, message)| message);
        let messages: Vec<QueueMessage> = messages.collect();
        let unreadable = std::mem::take(&mut self.unreadable);
        Some(Received::from(messages).with_unreadable(unreadable))
    }

    /// Tells whether something has arrived that nobody has taken yet.
    fn has_arrived(&self) -> bool {
        !self.arrived.is_empty() || !self.unreadable.is_empty()
    }

    /// Tells whether records of a session are held.
    pub(super) fn holds(&self, session: SessionId) -> bool {
        self.held
            .values()
            .any(|held| held.origin.session == session)
    }

    /// Tells whether anything is held.
    pub(super) fn holds_anything(&self) -> bool {
        !self.held.is_empty()
    }

    /// Returns the number of the last fetch that has begun.
    pub(super) const fn last_fetch(&self) -> u64 {
        self.fetches
    }

    /// Tells whether none of the fetches is under way that had begun by that number.
    pub(super) fn has_ended(&self, fetch: u64) -> bool {
        self.fetching.values().all(|number| *number > fetch)
    }

    /// Returns what a session is to do next; its broker leads what it `reads`.
    pub(super) fn step(
        &mut self,
        now: Instant,
        session: SessionId,
        reads: &BTreeSet<Place>,
    ) -> Step {
        let look_again = self.keep_arrived(now);
        let bundles = self.bundles(session.broker).unwrap_or_default();
        // Brokers read on what is told of.
        let is_read = |bundle: &Bundle| reads.contains(&(bundle.topic, bundle.partition));
        let may_ride = |bundle: &Bundle| bundle.may_ride() && is_read(bundle);
        if self.may_fetch() && !reads.is_empty() && bundles.iter().all(may_ride) {
            let wanted: usize = self.wanted.values().sum();
            self.fetches += 1;
            self.fetching.insert(session.broker, self.fetches);
            let demand = Demand {
                records: wanted.min(FETCH),
                // What is over waits for the next receive, its lock renewed.
                whole_batches: self.can_renew && self.whole_batches.are_taken_soon(now),
            };
            return Step::Fetch(demand, bundles);
        }
        if bundles.is_empty() {
            Step::Wait(look_again)
        } else {
            Step::Acknowledge(bundles)
        }
    }

    /// Tells whether there is room for what a fetch brings. What has arrived is handed out first, since a receive ends with
    /// whatever there is; and where locks cannot be renewed, one broker is asked at a time.
    fn may_fetch(&self) -> bool {
        let may_ask = self.can_renew || self.fetching.is_empty();
        !self.wanted.is_empty() && !self.has_arrived() && may_ask
    }

    /// Takes note that the fetch of a broker has been answered, or is not.
    pub(super) fn fetched(&mut self, broker: i32) {
        self.fetching.remove(&broker);
    }

    /// Takes note of the longest batch of an answer.
    pub(super) fn came(&mut self, longest: usize) {
        self.whole_batches.came(longest);
    }

    /// Takes what was acquired in one partition: asked for at one time, and here at another.
    pub(super) fn acquire(&mut self, asked: Instant, came: Instant, origin: Origin, page: Page) {
        let (topic, partition) = origin.place;
        let locked_until = asked + self.lock;
        let due = asked + self.lock / EARLY;
        let at = self.look_at_arrived.map_or(due, |at| at.min(due));
        self.look_at_arrived = Some(at);
        for (record, count) in page.records {
            self.acquisitions += 1;
            let (offset, number) = (record.offset, self.acquisitions);
            let held = Held {
                origin,
                number,
                came,
                locked_until,
            };
            if self.held.insert((partition, offset), held).is_some() {
                // Its earlier lock ended unseen.
                self.arrived.retain(|(earlier, _)| {
                    (earlier.partition, earlier.offset) != (partition, offset)
                });
            }
            let acquired = Acquired {
                partition,
                offset,
                number,
            };
            let shared = SharedRecord::new(partition, count, record);
            let (id, receipt) = (shared.id(), acquired.receipt(&self.member));
            let message = QueueMessage::new(id, receipt, QueueContent::Kafka(shared));
            self.arrived.push_back((acquired, message));
        }
        for (first, _, because) in page.damaged {
            if self.unreadable.len() < UNREADABLE {
                let id = format!("{partition}-{first}");
                self.unreadable.push(UnreadableMessage::new(id, because));
            }
        }
        let gaps = page.gaps.into_iter();
        let gaps = gaps.map(|(first, last)| Acknowledgement::gap(first, last));
        self.tell(origin.session.broker, (topic, partition), gaps);
    }

    /// Takes settlements. What is known at once is in the answer; the brokers to be told the rest are returned.
    pub(super) fn settle(
        &mut self,
        now: Instant,
        settlements: &[Settlement],
    ) -> (Arc<Settling>, Vec<i32>) {
        let mut outcomes: Vec<Result<(), SourceError>> = Vec::with_capacity(settlements.len());
        let mut open = Vec::new();
        for (index, settlement) in settlements.iter().enumerate() {
            match self.settlement(settlement) {
                Ok(told) => {
                    outcomes.push(Ok(()));
                    open.push((index, told));
                }
                Err(error) => outcomes.push(Err(error)),
            }
        }
        let settling = Arc::new(Settling::new(outcomes, open.len()));
        let mut brokers = Vec::new();
        let ends = open
            .iter()
            .filter(|(_, (_, told))| told.kind != Kind::Renew);
        self.whole_batches.settled(now, ends.count());
        for (index, (origin, mut acknowledgement)) in open {
            acknowledgement.answer = Some((Arc::clone(&settling), index));
            let broker = origin.session.broker;
            self.tell(broker, origin.place, [acknowledgement]);
            if !brokers.contains(&broker) {
                brokers.push(broker);
            }
        }
        (settling, brokers)
    }

    fn settlement(
        &mut self,
        settlement: &Settlement,
    ) -> Result<(Origin, Acknowledgement), SourceError> {
        let Settlement { receipt, verb, .. } = settlement;
        let kind = match verb {
            SettleVerb::Delete => Kind::Accept,
            SettleVerb::Release => Kind::Release,
            SettleVerb::Reject => Kind::Reject,
            SettleVerb::Renew => Kind::Renew,
            _ => {
                let message = format!("a share group knows no {verb:?}");
                return Err(SourceError::new(SourceErrorKind::Fatal, message));
            }
        };
        let acquired = Acquired::read(&self.member, receipt);
        let acquired = acquired.ok_or_else(|| expired("is of no delivery of this member"))?;
        let held = self.held_by(acquired);
        let held = held.ok_or_else(|| expired("is settled, or its lock is lost"))?;
        if kind != Kind::Renew {
            self.held.remove(&(acquired.partition, acquired.offset));
        }
        Ok((held.origin, Acknowledgement::of(kind, acquired)))
    }

    /// Has a broker told of records of a partition.
    fn tell(&mut self, broker: i32, place: Place, all: impl IntoIterator<Item = Acknowledgement>) {
        let (topic, partition) = place;
        let bundles = self.pending.entry(broker).or_default();
        for one in all {
            let open = bundles.iter_mut().rev().find(|bundle| {
                bundle.is_new() && (bundle.topic, bundle.partition) == (topic, partition)
            });
            // A renewal and an end of the same record are told one after the other.
            match open.filter(|bundle| bundle.renews() == (one.kind == Kind::Renew)) {
                Some(bundle) => bundle.all.push(one),
                None => bundles.push_back(Bundle::new(topic, partition, vec![one])),
            }
        }
    }

    /// Takes what a broker is to be told next: of each partition the oldest bundle.
    fn bundles(&mut self, broker: i32) -> Option<Vec<Bundle>> {
        let pending = self.pending.get_mut(&broker)?;
        let mut next: Vec<Bundle> = Vec::new();
        let mut later = VecDeque::new();
        for bundle in pending.drain(..) {
            let same =
                |other: &Bundle| (other.topic, other.partition) == (bundle.topic, bundle.partition);
            if next.iter().any(same) {
                later.push_back(bundle);
            } else {
                next.push(bundle);
            }
        }
        if later.is_empty() {
            self.pending.remove(&broker);
        } else {
            *pending = later;
        }
        (!next.is_empty()).then_some(next)
    }

    /// Takes what a broker is to be told before its session ends, and whether there is more; of each partition one
    /// bundle at a time, as always.
    pub(super) fn last_words(&mut self, broker: i32) -> Option<(Vec<Bundle>, bool)> {
        let bundles = self.bundles(broker)?;
        Some((bundles, self.pending.contains_key(&broker)))
    }

    /// Takes the broker's answer to one bundle. What it refused for want of a lock is told again in parts, since one
    /// record whose lock is gone has the whole bundle refused.
    pub(super) fn acknowledged(
        &mut self,
        now: Instant,
        session: SessionId,
        bundle: Bundle,
        outcome: Outcome,
    ) {
        let why = match outcome {
            Outcome::Done => {
                for one in &bundle.all {
                    if let (Kind::Renew, Some(acquired)) = (one.kind, one.acquired) {
                        self.lock_begins(now, acquired);
                    }
                    one.tell(Ok(()));
                }
                return;
            }
            Outcome::NoLock(why) => match bundle.split() {
                Ok(halves) => {
                    let pending = self.pending.entry(session.broker).or_default();
                    for half in halves.into_iter().rev() {
                        pending.push_front(half);
                    }
                    return;
                }
                Err(bundle) => {
                    self.refuse(&bundle, &why);
                    return;
                }
            },
            // As long as the lock may hold: that it is gone the broker says then.
            Outcome::Again(_) if bundle.until.is_none_or(|until| now < until) => {
                let mut bundle = bundle;
                bundle.until = bundle.until.or(Some(now + self.lock));
                let pending = self.pending.entry(session.broker).or_default();
                pending.push_front(bundle);
                return;
            }
            Outcome::Again(why) | Outcome::Lost(why) => why,
        };
        self.refuse(&bundle, &why);
    }

    /// Forgets records whose locks are gone, also where nobody has asked for them yet.
    fn refuse(&mut self, bundle: &Bundle, why: &str) {
        for one in &bundle.all {
            if let Some(acquired) = one.acquired.filter(|one| self.held_by(*one).is_some()) {
                self.held.remove(&(acquired.partition, acquired.offset));
            }
            one.tell(Err(expired(why)));
        }
        self.forget_arrived();
    }

    /// Forgets what has arrived and is not held any more.
    fn forget_arrived(&mut self) {
        let held = &self.held;
        self.arrived.retain(|(acquired, _)| {
            let held = held.get(&(acquired.partition, acquired.offset));
            held.is_some_and(|held| held.number == acquired.number)
        });
    }

    /// Renews the locks of what nobody has asked for yet, at a quarter of their time, so that whoever asks then has the most
    /// of it: released, it would have been delivered for nothing. What has lost its lock is forgotten. Returns when to look
    /// again.
    fn keep_arrived(&mut self, now: Instant) -> Instant {
        let early = self.lock / EARLY;
        let mut next = now + early;
        if !self.can_renew || self.arrived.is_empty() {
            return next;
        }
        if let Some(later) = self.look_at_arrived.filter(|at| now < *at) {
            return later;
        }
        let mut due = Vec::new();
        for (acquired, _) in &self.arrived {
            let Some(held) = self.held_by(*acquired) else {
                continue;
            };
            let at = held.locked_until.checked_sub(self.lock - early);
            let at = at.unwrap_or(now);
            if held.locked_until <= now {
                self.held.remove(&(acquired.partition, acquired.offset));
            } else if at <= now {
                due.push((*acquired, held.origin));
            } else {
                next = next.min(at);
            }
        }
        self.forget_arrived();
        self.look_at_arrived = Some(next);
        for (acquired, origin) in due {
            // Until the answer is here it is not asked for again.
            self.lock_begins(now, acquired);
            let told = Acknowledgement::of(Kind::Renew, acquired);
            self.tell(origin.session.broker, origin.place, [told]);
        }
        next
    }

    fn lock_begins(&mut self, now: Instant, acquired: Acquired) {
        let until = now + self.lock;
        let held = self.held.get_mut(&(acquired.partition, acquired.offset));
        if let Some(held) = held.filter(|held| held.number == acquired.number) {
            held.locked_until = until;
        }
    }

    fn held_by(&self, acquired: Acquired) -> Option<Held> {
        let held = self.held.get(&(acquired.partition, acquired.offset));
        held.filter(|held| held.number == acquired.number).copied()
    }

    /// Takes note that a session is over: nothing of it is locked any more, and what was to be told of it is not.
    /// `untold` is what a request without an answer told.
    pub(super) fn lose(&mut self, session: SessionId, untold: Vec<Bundle>, why: &str) {
        self.held.retain(|_, held| held.origin.session != session);
        self.forget_arrived();
        self.fetching.remove(&session.broker);
        let pending = self.pending.remove(&session.broker).unwrap_or_default();
        for bundle in untold.into_iter().chain(pending) {
            for one in &bundle.all {
                one.tell(Err(expired(why)));
            }
        }
    }

    /// Forgets what was never settled, well after its locks have ended.
    pub(super) fn forget_ended(&mut self, now: Instant) {
        let lock = self.lock;
        self.held.retain(|_, held| held.locked_until + lock > now);
    }
}

#[cfg(test)]
mod tests;
