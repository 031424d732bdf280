//! The machine of one stream mapping.

use std::collections::BTreeMap;
use std::time::Duration;

use super::action::{Action, CallId, Input};
use super::checkpoint::Checkpoint;
use super::clock::SourceClock;
use super::config::StreamConfig;
use super::gone::Gone;
use super::lineage::Lineage;
use super::listing::Directory;
use super::port::{ShardId, StreamFacts};
use super::shard::{Context, Out, Shard, ShardKey};
use super::tally::Tally;
use crate::time::Timestamp;

/// A machine is not left alone for longer: it lists its shards.
const LONGEST_SILENCE: Duration = Duration::from_secs(60);

/// How far a mapping had come in a shard, as a store has kept it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptCheckpoint {
    /// The stream that it belongs to ([`StreamFacts::identity`]).
    pub identity: String,
    /// The place.
    pub checkpoint: Checkpoint,
}

/// What a store has kept of a mapping's positions; empty for a new mapping.
pub type KeptCheckpoints = BTreeMap<ShardId, KeptCheckpoint>;

/// The stream as it was listed last.
#[derive(Debug)]
pub(super) struct Stream {
    pub(super) facts: StreamFacts,
    pub(super) clock: SourceClock,
}

/// Runs one stream mapping. See the [module](super) for the way of a record through it.
#[derive(Debug)]
pub struct StreamMachine {
    pub(super) config: StreamConfig,
    pub(super) kept: KeptCheckpoints,
    /// `None` until the first listing.
    pub(super) stream: Option<Stream>,
    /// Boxed, for a map has room for more than it holds.
    pub(super) shards: BTreeMap<ShardKey, Box<Shard>>,
    pub(super) keys: BTreeMap<ShardId, ShardKey>,
    pub(super) directory: Directory,
    pub(super) lineage: Lineage,
    pub(super) gone: Gone,
    pub(super) tally: Tally,
    pub(super) draining: bool,
    /// When it was told something last.
    handled: Timestamp,
    pub(super) out: Out,
}

impl StreamMachine {
    /// Returns a machine that has read nothing yet, and goes on where `kept` says. `seed` decides its
    /// jitter, and the identifiers in failure records.
    #[must_use]
    pub fn new(config: StreamConfig, kept: KeptCheckpoints, seed: u64, now: Timestamp) -> Self {
        Self {
            config,
            kept,
            stream: None,
            shards: BTreeMap::new(),
            keys: BTreeMap::new(),
            directory: Directory::new(now),
            lineage: Lineage::default(),
            gone: Gone::default(),
            tally: Tally::default(),
            draining: false,
            handled: now,
            out: Out::new(seed),
        }
    }

    /// Takes one fact from outside. Call [`poll`](Self::poll) until `None` before the next.
    pub fn handle(&mut self, now: Timestamp, input: Input) {
        debug_assert!(
            self.out.actions.is_empty(),
            "the actions of the last input were not drained"
        );
        self.notice_jump(now);
        match input {
            Input::Listed { id, result } => self.listed(now, id, result),
            Input::Committed { id, result } if self.directory.is_opening(id) => {
                self.beginnings_kept(now, id, result);
            }
            Input::Opened { id, .. }
            | Input::Fetched { id, .. }
            | Input::Reserved { turn: id }
            | Input::Delivered { id, .. }
            | Input::Committed { id, .. } => self.answered(now, id, input),
            Input::Invoked { batch, .. } => {
                if let Some(&key) = self.out.flights.get(&batch) {
                    self.with(now, key, |shard, ctx| shard.handle(ctx, input));
                }
            }
            Input::Forgotten { id, result } => self.forgotten(id, result),
            Input::Reconfigure(config) => self.reconfigure(now, *config),
            Input::Drain => self.drain(now),
            Input::Tick => {}
        }
        self.wake_due(now);
        self.start_shards(now);
        self.seat_shards(now);
        self.list(now);
    }

    /// Returns the next thing to do.
    pub fn poll(&mut self) -> Option<Action> {
        self.out.actions.pop_front()
    }

    /// Returns when to call [`handle`](Self::handle) with [`Input::Tick`] if nothing else happens.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Timestamp> {
        let timer = self.out.timers.first().map(|&(at, _)| at);
        let list = if self.draining {
            None
        } else {
            self.directory.next_deadline()
        };
        let start = self.has_starters().then_some(self.handled);
        timer.into_iter().chain(list).chain(start).min()
    }

    /// Returns how many shards [`handle`](Self::handle) would look at for `input`, about: with more than some
    /// thousands it takes longer than others should be kept waiting.
    #[must_use]
    pub fn reach(&self, now: Timestamp, input: &Input) -> usize {
        let all = self.shards.len();
        let due = self.out.timers.range(..=(now, ShardKey(u32::MAX)));
        due.count()
            + match input {
                Input::Listed { result, .. } => {
                    all + result.as_ref().map_or(0, |listing| listing.shards.len())
                }
                Input::Committed { id, .. } if self.directory.is_opening(*id) => all,
                Input::Reconfigure(_) | Input::Drain => all,
                _ => 1,
            }
    }

    /// Returns how many shards were looked at since the beginning, for whatever reason: the measure of what the
    /// machine costs.
    #[must_use]
    pub const fn visits(&self) -> u64 {
        self.out.visits
    }

    /// Tells whether nothing is outside: after [`Input::Drain`], the end.
    #[must_use]
    pub const fn is_idle(&self) -> bool {
        self.tally.is_idle()
    }

    /// Lets a time that has jumped not pass for that of the source. The clock may have been set; if it was the
    /// machine that slept, a listing tells.
    fn notice_jump(&mut self, now: Timestamp) {
        let passed = now.since(self.handled);
        self.handled = now;
        if passed > LONGEST_SILENCE {
            if let Some(stream) = &mut self.stream {
                stream.clock.jumped(passed);
            }
            self.out.list = true;
        }
    }

    /// Gives an answer to the shard that waits for it.
    fn answered(&mut self, now: Timestamp, id: CallId, input: Input) {
        let Some(key) = self.out.calls.remove(&id) else {
            return;
        };
        if self.shards.contains_key(&key) {
            self.with(now, key, |shard, ctx| shard.handle(ctx, input));
            self.take_children(key);
        } else if matches!(input, Input::Opened { .. } | Input::Fetched { .. }) {
            self.out.seats.leave(key);
        }
    }

    /// Lets those call the source whose turn it is.
    fn seat_shards(&mut self, now: Timestamp) {
        while let Some(key) = self.out.seats.seat_next() {
            self.with(now, key, |shard, ctx| shard.be_seated(ctx));
            if !self.shards.contains_key(&key) {
                self.out.seats.leave(key);
            }
        }
    }

    /// Lets one shard work.
    pub(super) fn with(
        &mut self,
        now: Timestamp,
        key: ShardKey,
        work: impl FnOnce(&mut Shard, &mut Context<'_>),
    ) {
        let (Some(stream), Some(shard)) = (&mut self.stream, self.shards.get_mut(&key)) else {
            return;
        };
        self.out.visits += 1;
        let mut ctx = Context {
            now,
            config: &self.config,
            facts: &stream.facts,
            clock: &mut stream.clock,
            draining: self.draining,
            shards: self.tally.shards(),
            out: &mut self.out,
        };
        work(shard, &mut ctx);
        self.tally.note(shard);
    }

    /// Lets the shards work whose time has come.
    fn wake_due(&mut self, now: Timestamp) {
        // Those that a shard adds now for now would keep this going for ever.
        let due: Vec<_> = self
            .out
            .timers
            .range(..=(now, ShardKey(u32::MAX)))
            .copied()
            .collect();
        for timer in &due {
            self.out.timers.remove(timer);
        }
        for (_, key) in due {
            self.with(now, key, |shard, ctx| shard.advance(ctx));
        }
    }

    fn reconfigure(&mut self, now: Timestamp, config: StreamConfig) {
        debug_assert_eq!(
            config.lanes, self.config.lanes,
            "lanes and windows change with a new machine only"
        );
        for shard in self.shards.values_mut() {
            for lane in &mut shard.lanes {
                lane.batcher.set_limits(config.limits);
            }
        }
        self.config = config;
        self.advance_all(now);
    }

    fn drain(&mut self, now: Timestamp) {
        self.draining = true;
        let keys: Vec<_> = self.shards.keys().copied().collect();
        for key in keys {
            self.with(now, key, |shard, ctx| {
                shard.drain(ctx);
                shard.advance(ctx);
            });
        }
    }

    pub(super) fn advance_all(&mut self, now: Timestamp) {
        let keys: Vec<_> = self.shards.keys().copied().collect();
        for key in keys {
            self.with(now, key, |shard, ctx| shard.advance(ctx));
        }
    }
}
