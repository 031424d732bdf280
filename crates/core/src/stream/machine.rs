//! The machine of one stream mapping.

mod acquisition;
mod discovery;
mod starting;
mod status;

use std::collections::BTreeMap;
use std::time::Duration;

use super::action::{Action, CallId, Input};
use super::checkpoint::KeptCheckpoints;
use super::config::StreamConfig;
use super::context::{Context, Shared};
use super::ownership::Ownership;
use super::port::{ShardId, StreamFacts};
use super::shard::Shard;
use super::shard_discovery::beginnings::Beginnings;
use super::shard_discovery::forgetting::Forgetting;
use super::shard_discovery::lineage::Lineage;
use super::shard_discovery::listings::{Listings, Seen};
use super::shard_key::ShardKey;
use super::source_clock::SourceClock;
use super::totals::Totals;
use crate::time::Timestamp;

/// A machine is not left alone for longer: it lists its shards.
const LONGEST_SILENCE: Duration = Duration::from_secs(60);

/// The stream as it was listed last.
#[derive(Debug)]
struct Stream {
    facts: StreamFacts,
    clock: SourceClock,
}

/// A shard, and what the listings have said of it.
#[derive(Debug)]
struct Known {
    shard: Shard,
    seen: Seen,
}

/// Runs one stream mapping. See the [module](super) for the way of a record through it.
#[derive(Debug)]
pub struct StreamMachine {
    config: StreamConfig,
    kept: KeptCheckpoints,
    /// `None` until the first listing.
    stream: Option<Stream>,
    /// The shards that the process owns. Boxed, for a map has room for more than it holds.
    shards: BTreeMap<ShardKey, Box<Known>>,
    keys: BTreeMap<ShardId, ShardKey>,
    last_key: u32,
    ownership: Ownership,
    listings: Listings,
    beginnings: Beginnings,
    lineage: Lineage,
    forgetting: Forgetting,
    totals: Totals,
    draining: bool,
    /// When it was told something last.
    handled: Timestamp,
    /// How many shards were looked at so far.
    visits: u64,
    shared: Shared,
}

impl StreamMachine {
    /// Returns a machine that has read nothing yet, and goes on where `kept` says. `seed` decides its
    /// jitter, and the identifiers in failure records.
    #[must_use]
    pub fn new(config: StreamConfig, kept: KeptCheckpoints, seed: u64, now: Timestamp) -> Self {
        Self {
            ownership: Ownership::new(config.assigned),
            config,
            kept,
            stream: None,
            shards: BTreeMap::new(),
            keys: BTreeMap::new(),
            last_key: 0,
            listings: Listings::new(now),
            beginnings: Beginnings::default(),
            lineage: Lineage::default(),
            forgetting: Forgetting::default(),
            totals: Totals::default(),
            draining: false,
            handled: now,
            visits: 0,
            shared: Shared::new(seed),
        }
    }

    /// Takes one fact from outside. Call [`poll`](Self::poll) until `None` before the next.
    pub fn handle(&mut self, now: Timestamp, input: Input) {
        debug_assert!(
            self.shared.actions.is_empty(),
            "the actions of the last input were not drained"
        );
        self.notice_jump(now);
        match input {
            Input::Acquired {
                shard,
                epoch,
                checkpoint,
            } => self.acquired(now, shard, epoch, checkpoint),
            Input::Lost { shard, epoch } => self.lost(now, &shard, epoch),
            Input::Listed { id, result } => self.listed(now, id, result),
            Input::Committed { id, result } if self.beginnings.are_kept_by(id) => {
                self.beginnings_kept(now, result);
            }
            Input::Opened { id, .. }
            | Input::Fetched { id, .. }
            | Input::Reserved { turn: id }
            | Input::Delivered { id, .. }
            | Input::Committed { id, .. } => self.answered(now, id, input),
            Input::Invoked { batch, .. } => {
                if let Some(key) = self.shared.invoked_by(batch) {
                    self.with(now, key, |shard, ctx| shard.handle(ctx, input));
                    if !self.shards.contains_key(&key) {
                        self.shared.end_invocation(batch);
                    }
                }
            }
            Input::Forgotten { id, result } => self.forgetting.ended(id, result.is_ok()),
            Input::Reconfigure(config) => self.reconfigure(now, *config),
            Input::Drain => self.drain(now),
            Input::Tick => {}
        }
        self.wake_due(now);
        self.start_shards(now);
        self.give_slots(now);
        self.list(now);
    }

    /// Returns the next thing to do.
    pub fn poll(&mut self) -> Option<Action> {
        self.shared.actions.pop_front()
    }

    /// Returns when to call [`handle`](Self::handle) with [`Input::Tick`] if nothing else happens.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Timestamp> {
        let timer = self.shared.next_timer();
        let listings = [
            self.listings.next_deadline(),
            self.beginnings.next_deadline(),
        ];
        let list = listings.into_iter().flatten().filter(|_| !self.draining);
        let start = self.has_starters().then_some(self.handled);
        timer.into_iter().chain(list).chain(start).min()
    }

    /// Returns how many shards [`handle`](Self::handle) would look at for `input`, about: with more than some
    /// thousands it takes longer than others should be kept waiting.
    #[must_use]
    pub fn reach(&self, now: Timestamp, input: &Input) -> usize {
        let all = self.shards.len();
        self.shared.count_due(now)
            + match input {
                Input::Listed { result, .. } => {
                    all + result.as_ref().map_or(0, |listing| listing.shards.len())
                }
                Input::Committed { id, .. } if self.beginnings.are_kept_by(*id) => all,
                Input::Reconfigure(_) | Input::Drain => all,
                _ => 1,
            }
    }

    /// Returns how many shards were looked at since the beginning, for whatever reason: the measure of what the
    /// machine costs.
    #[must_use]
    pub const fn visits(&self) -> u64 {
        self.visits
    }

    /// Tells whether nothing is outside: after [`Input::Drain`], the end.
    #[must_use]
    pub const fn is_idle(&self) -> bool {
        self.totals.is_idle()
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
            self.shared.list = true;
        }
    }

    /// Gives an answer to the shard that waits for it.
    fn answered(&mut self, now: Timestamp, id: CallId, input: Input) {
        let Some(key) = self.shared.end_call(id) else {
            return;
        };
        if self.shards.contains_key(&key) {
            self.with(now, key, |shard, ctx| shard.handle(ctx, input));
            self.take_children(now, key);
        } else if matches!(input, Input::Opened { .. } | Input::Fetched { .. }) {
            self.shared.slots.leave(key);
        }
    }

    /// Lets those call the source whose turn it is.
    fn give_slots(&mut self, now: Timestamp) {
        while let Some(key) = self.shared.slots.give_next() {
            self.with(now, key, |shard, ctx| shard.take_slot(ctx));
            if !self.shards.contains_key(&key) {
                self.shared.slots.leave(key);
            }
        }
    }

    /// Lets one shard work.
    fn with(
        &mut self,
        now: Timestamp,
        key: ShardKey,
        work: impl FnOnce(&mut Shard, &mut Context<'_>),
    ) {
        let (Some(stream), Some(known)) = (&mut self.stream, self.shards.get_mut(&key)) else {
            return;
        };
        let shard = &mut known.shard;
        self.visits += 1;
        let mut ctx = Context {
            now,
            config: &self.config,
            facts: &stream.facts,
            clock: &mut stream.clock,
            draining: self.draining,
            shards: self.totals.shards(),
            key,
            shard: shard.id().clone(),
            epoch: shard.epoch(),
            shared: &mut self.shared,
        };
        work(shard, &mut ctx);
        self.totals.put(key, shard.share());
    }

    /// Lets the shards work whose time has come.
    fn wake_due(&mut self, now: Timestamp) {
        // Those that a shard adds now for now would keep this going for ever.
        for key in self.shared.due(now) {
            self.with(now, key, |shard, ctx| shard.advance(ctx));
        }
    }

    fn reconfigure(&mut self, now: Timestamp, config: StreamConfig) {
        debug_assert_eq!(
            (config.lanes, config.assigned),
            (self.config.lanes, self.config.assigned),
            "lanes, windows and who assigns shards change with a new machine only"
        );
        for known in self.shards.values_mut() {
            known.shard.set_limits(config.limits);
        }
        self.config = config;
        // What was wrong with the stream may be over.
        self.listings.hurry(now, false);
        self.advance_all(now);
    }

    fn drain(&mut self, now: Timestamp) {
        self.draining = true;
        self.with_all(now, |shard, ctx| {
            shard.drain(ctx);
            shard.advance(ctx);
        });
    }

    fn advance_all(&mut self, now: Timestamp) {
        self.with_all(now, Shard::advance);
    }

    fn with_all(&mut self, now: Timestamp, work: impl Fn(&mut Shard, &mut Context<'_>)) {
        let keys: Vec<_> = self.shards.keys().copied().collect();
        for key in keys {
            self.with(now, key, &work);
        }
    }
}
