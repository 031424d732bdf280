//! One shard of a stream: its reader, its lanes, and what of it is settled.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::action::{Action, CallId, Input};
use super::checkpoint::{Checkpoint, Place};
use super::clock::SourceClock;
use super::committing::Committer;
use super::config::StreamConfig;
use super::discarding::Delivery;
use super::lane::Lane;
use super::ledger::Ledger;
use super::port::{Shard as Listed, ShardId, StreamFacts};
use super::reading::Reader;
use super::seats::Seats;
use super::window::Window;
use crate::backoff::Random;
use crate::decision::{BatchId, Decision};
use crate::response::IgnoredFailures;
use crate::time::Timestamp;

/// Names a shard within its machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct ShardKey(pub(super) u32);

/// Where a shard is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// Not read before its parents are over.
    Waiting,
    /// Being read and processed.
    Running,
    /// Read to its end, and all of it settled; that is durable.
    Over,
}

/// What the shards of a machine share: the way out, and what is numbered across them.
#[derive(Debug)]
pub(super) struct Out {
    pub(super) actions: VecDeque<Action>,
    pub(super) unasked: IgnoredFailures,
    pub(super) seats: Seats,
    pub(super) random: Random,
    /// The shard that waits for each open call.
    pub(super) calls: BTreeMap<CallId, ShardKey>,
    /// The shard of each batch that the function has.
    pub(super) flights: BTreeMap<BatchId, ShardKey>,
    /// When shards have something to do. An entry too many does no harm.
    pub(super) timers: BTreeSet<(Timestamp, ShardKey)>,
    pub(super) last_call: u64,
    pub(super) last_batch: u64,
    /// How much data a record has, judged by those that were read last; `None` before the first.
    pub(super) record_bytes: Option<usize>,
    /// Whether shards may have been made, and should be listed at once.
    pub(super) list: bool,
    /// Whether a shard has ended and did not name its children.
    pub(super) awaits_children: bool,
    /// How many shards were looked at so far.
    pub(super) visits: u64,
}

impl Out {
    pub(super) fn new(seed: u64) -> Self {
        Self {
            actions: VecDeque::new(),
            unasked: IgnoredFailures::default(),
            seats: Seats::default(),
            random: Random::new(seed),
            calls: BTreeMap::new(),
            flights: BTreeMap::new(),
            timers: BTreeSet::new(),
            last_call: 0,
            last_batch: 0,
            record_bytes: None,
            list: false,
            awaits_children: false,
            visits: 0,
        }
    }

    pub(super) fn report(&mut self, decision: Decision) {
        self.actions.push_back(Action::Report(decision));
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
    pub(super) out: &'a mut Out,
}

impl Context<'_> {
    pub(super) fn report(&mut self, decision: Decision) {
        self.out.report(decision);
    }

    /// Returns a new call whose answer goes to `shard`.
    pub(super) fn call(&mut self, shard: ShardKey) -> CallId {
        let id = self.out.next_call();
        self.out.calls.insert(id, shard);
        id
    }

    /// Wakes `shard` at `time`.
    pub(super) fn wake(&mut self, time: Timestamp, shard: ShardKey) {
        self.out.timers.insert((time, shard));
    }
}

/// One shard.
#[derive(Debug)]
pub(super) struct Shard {
    pub(super) key: ShardKey,
    pub(super) id: ShardId,
    pub(super) parents: Vec<ShardId>,
    pub(super) hash_keys: Option<(u128, u128)>,
    pub(super) stage: Stage,
    pub(super) reader: Reader,
    pub(super) ledger: Ledger,
    pub(super) lanes: Vec<Lane>,
    pub(super) window: Window,
    pub(super) deliveries: Vec<Delivery>,
    pub(super) committer: Committer,
    /// The age of the last record of the batch that was sent last.
    pub(super) iterator_age_ms: Option<u64>,
    /// How many listings had begun when it was found.
    pub(super) found: u64,
    /// Whether it waits for a listing that tells of parents that are not known.
    pub(super) needs_listing: bool,
    /// How many listings in a row did not have it.
    pub(super) missing: u32,
    /// Children that the source named at the end, for the machine to take.
    pub(super) children: Vec<Listed>,
}

impl Shard {
    /// Returns a shard that waits for its parents. It goes on at `checkpoint`.
    pub(super) fn new(
        key: ShardKey,
        listed: Listed,
        checkpoint: Checkpoint,
        durable: bool,
        config: &StreamConfig,
    ) -> Self {
        let over = checkpoint.place == Place::End;
        let factor = config.factor();
        let lanes = (0..factor).map(|_| Lane::new(config)).collect();
        let committed = durable.then(|| checkpoint.clone());
        Self {
            key,
            id: listed.id,
            parents: listed.parents,
            hash_keys: listed.hash_keys,
            stage: if over { Stage::Over } else { Stage::Waiting },
            reader: Reader::new(&checkpoint, factor),
            ledger: Ledger::new(checkpoint.place, factor),
            lanes,
            window: Window::new(checkpoint.window.filter(|_| config.tumbling().is_some())),
            deliveries: Vec::new(),
            committer: Committer::new(committed),
            iterator_age_ms: None,
            found: 0,
            needs_listing: false,
            missing: 0,
            children: Vec::new(),
        }
    }

    /// Takes one fact that this shard waits for, and goes on.
    pub(super) fn handle(&mut self, ctx: &mut Context<'_>, input: Input) {
        match input {
            Input::Opened { id, result } => self.opened(ctx, id, result),
            Input::Fetched { id, result } => self.fetched(ctx, id, result),
            Input::Reserved { turn } => self.reserved(turn),
            Input::Invoked {
                batch,
                attempt,
                result,
            } => self.invoked(ctx, batch, attempt, result),
            Input::Delivered { id, result } => self.delivered(ctx, id, result),
            Input::Committed { id, result } => self.committed(ctx, id, result),
            _ => {}
        }
        self.advance(ctx);
    }

    /// Does whatever can be done now.
    pub(super) fn advance(&mut self, ctx: &mut Context<'_>) {
        if self.stage != Stage::Running {
            return;
        }
        self.redeliver(ctx);
        for lane in 0..self.lanes.len() {
            self.advance_lane(ctx, lane);
        }
        self.commit(ctx);
        self.read(ctx);
    }

    /// Lets go of what was gathered and not invoked, and of batches that wait for a retry.
    pub(super) fn drain(&mut self, ctx: &mut Context<'_>) {
        for lane in 0..self.lanes.len() {
            self.abandon(ctx, lane);
        }
    }

    /// Tells whether nothing of the shard is outside.
    pub(super) fn is_idle(&self) -> bool {
        self.deliveries.is_empty()
            && !self.committer.is_busy()
            && self.lanes.iter().all(|lane| lane.work.is_none())
    }

    /// Tells whether everything was read and is settled.
    pub(super) fn is_finished(&self) -> bool {
        self.reader.has_ended()
            && self.ledger.is_empty()
            && self.window.open.is_none()
            && self.deliveries.is_empty()
            && self.lanes.iter().all(Lane::is_empty)
    }
}
