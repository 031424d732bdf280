//! What a shard works with while it handles one fact.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::action::{Action, CallId};
use super::config::StreamConfig;
use super::polling_slots::PollingSlots;
use super::port::{ShardId, StreamFacts};
use super::shard_key::ShardKey;
use super::source_clock::SourceClock;
use crate::backoff::Random;
use crate::decision::{BatchId, Decision};
use crate::response::IgnoredFailures;
use crate::time::Timestamp;

/// What the shards of a machine share: the way out, and what is numbered across them.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) actions: VecDeque<Action>,
    pub(super) ignored_failures: IgnoredFailures,
    pub(super) slots: PollingSlots,
    pub(super) random: Random,
    /// The shard that waits for each open call.
    calls: BTreeMap<CallId, ShardKey>,
    /// The shard of each batch that the function has.
    invocations: BTreeMap<BatchId, ShardKey>,
    /// When shards have something to do. An entry too many does no harm.
    timers: BTreeSet<(Timestamp, ShardKey)>,
    last_call: u64,
    last_batch: u64,
    /// How much data a record has, judged by those that were read last; `None` before the first.
    pub(super) record_bytes: Option<usize>,
    /// Whether shards may have been made, and should be listed at once.
    pub(super) list: bool,
    /// Whether a shard has ended and did not name its children.
    pub(super) awaits_children: bool,
}

impl Shared {
    pub(super) fn new(seed: u64) -> Self {
        Self {
            actions: VecDeque::new(),
            ignored_failures: IgnoredFailures::default(),
            slots: PollingSlots::default(),
            random: Random::new(seed),
            calls: BTreeMap::new(),
            invocations: BTreeMap::new(),
            timers: BTreeSet::new(),
            last_call: 0,
            last_batch: 0,
            record_bytes: None,
            list: false,
            awaits_children: false,
        }
    }

    pub(super) fn act(&mut self, action: Action) {
        self.actions.push_back(action);
    }

    pub(super) fn report(&mut self, decision: Decision) {
        self.act(Action::Report(decision));
    }

    /// Returns a new call, to be answered to no shard.
    pub(super) const fn next_call(&mut self) -> CallId {
        self.last_call += 1;
        CallId(self.last_call)
    }

    pub(super) const fn next_batch(&mut self) -> BatchId {
        self.last_batch += 1;
        BatchId(self.last_batch)
    }

    /// Returns the shard that waits for a call, which is over.
    pub(super) fn end_call(&mut self, id: CallId) -> Option<ShardKey> {
        self.calls.remove(&id)
    }

    /// Returns the shard whose batch the function has.
    pub(super) fn invoked_by(&self, batch: BatchId) -> Option<ShardKey> {
        self.invocations.get(&batch).copied()
    }

    /// Takes the timers out that are due.
    pub(super) fn due(&mut self, now: Timestamp) -> Vec<ShardKey> {
        let mut due = Vec::new();
        while let Some(&(at, key)) = self.timers.first()
            && at <= now
        {
            self.timers.pop_first();
            due.push(key);
        }
        due
    }

    /// Returns how many timers are due.
    pub(super) fn count_due(&self, now: Timestamp) -> usize {
        self.timers.range(..=(now, ShardKey(u32::MAX))).count()
    }

    pub(super) fn next_timer(&self) -> Option<Timestamp> {
        self.timers.first().map(|&(at, _)| at)
    }

    /// Takes it that nobody waits for the answer to a batch.
    pub(super) fn end_invocation(&mut self, batch: BatchId) {
        self.invocations.remove(&batch);
    }

    /// Forgets what all shards wait for: later answers find nobody. Calls of the source that are under way keep
    /// their polling slots, and are known until they end.
    pub(super) fn forget_all(&mut self) {
        self.slots.clear_lines();
        let slots = &self.slots;
        self.calls.retain(|_, key| slots.has(*key));
        self.invocations.clear();
        self.timers.clear();
    }
}

/// What a shard works with while it handles one fact.
pub(super) struct Context<'a> {
    pub(super) now: Timestamp,
    pub(super) config: &'a StreamConfig,
    pub(super) facts: &'a StreamFacts,
    pub(super) clock: &'a mut SourceClock,
    pub(super) draining: bool,
    /// How many shards share what may be read ahead.
    pub(super) shards: usize,
    /// The shard.
    pub(super) key: ShardKey,
    /// Its name.
    pub(super) shard: ShardId,
    /// Under which the process owns it.
    pub(super) epoch: u64,
    pub(super) shared: &'a mut Shared,
}

impl Context<'_> {
    pub(super) fn act(&mut self, action: Action) {
        self.shared.act(action);
    }

    pub(super) fn report(&mut self, decision: Decision) {
        self.shared.report(decision);
    }

    /// Returns a new call whose answer goes to the shard.
    pub(super) fn call(&mut self) -> CallId {
        let id = self.shared.next_call();
        self.shared.calls.insert(id, self.key);
        id
    }

    /// Takes it that the shard waits for a call no more.
    pub(super) fn hang_up(&mut self, id: CallId) {
        self.shared.calls.remove(&id);
    }

    /// Takes note of a batch that the function has.
    pub(super) fn invokes(&mut self, batch: BatchId) {
        self.shared.invocations.insert(batch, self.key);
    }

    /// Wakes the shard at `time`.
    pub(super) fn wake(&mut self, time: Timestamp) {
        self.shared.timers.insert((time, self.key));
    }
}
