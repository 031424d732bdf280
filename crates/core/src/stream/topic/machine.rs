//! The machine of one topic.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use super::action::{Action, Input};
use super::committing::Committing;
use super::config::TopicConfig;
use super::measuring::Measuring;
use super::partition::Partition;
use super::port::OwnedPartition;
use super::scaling::Scaling;
use super::topic_lane::TopicLane;
use crate::fault::SourceError;
use crate::stream::context::{Context, Shared};
use crate::stream::item::Ordinal;
use crate::stream::lane::Lane;
use crate::stream::on_failure_destination::Deliveries;
use crate::stream::shard_key::ShardKey;
use crate::stream::source_clock::SourceClock;
use crate::stream::{self, CallId, Listing, ShardId, StreamFacts};
use crate::time::Timestamp;

/// The lanes share one key: whatever they wait for, the machine finds out whose it is.
const KEY: ShardKey = ShardKey(0);

/// The partitions that are owned.
pub(super) type Partitions = BTreeMap<i32, Partition>;

/// Runs one Kafka mapping. See the [module](super) for the way of a record through it.
#[derive(Debug)]
pub struct TopicMachine {
    pub(super) config: TopicConfig,
    /// The topic, as decisions name it.
    pub(super) name: ShardId,
    facts: StreamFacts,
    clock: SourceClock,
    pub(super) partitions: Partitions,
    pub(super) lanes: Vec<TopicLane>,
    /// The partitions that may be drawn from, in the order in which they are.
    pub(super) line: VecDeque<i32>,
    pub(super) deliveries: Deliveries,
    pub(super) committing: Committing,
    pub(super) scaling: Scaling,
    pub(super) measuring: Measuring,
    /// Whether a batch has ended, so that others may begin.
    pub(super) lane_is_free: bool,
    /// Partitions that may have something to commit.
    pub(super) dirty: BTreeSet<i32>,
    /// Partitions that may be read.
    pub(super) hungry: BTreeSet<i32>,
    /// Partitions that are read again at a time.
    pub(super) waiting: BTreeSet<(Timestamp, i32)>,
    /// Partitions that the group has asked for.
    pub(super) returning: BTreeSet<i32>,
    /// Partitions that are being let go of, with the offset that is committed then and by how much it is more than before.
    pub(super) leaving: BTreeMap<OwnedPartition, Option<(i64, usize)>>,
    /// Whether partitions were not read because too much is read ahead.
    pub(super) starved: bool,
    pub(super) fetches: BTreeMap<CallId, OwnedPartition>,
    /// The size of all that is read ahead, in bytes.
    pub(super) buffered: usize,
    pub(super) next_ordinal: Ordinal,
    /// Whether the group has assigned what it will.
    pub(super) begun: bool,
    pub(super) draining: bool,
    /// What is wrong with the cluster, while it is.
    pub(super) problem: Option<SourceError>,
    pub(super) shared: Shared,
    pub(super) actions: VecDeque<Action>,
}

impl TopicMachine {
    /// Returns a machine that owns no partition yet. `seed` decides its jitter, and the identifiers in failure records.
    #[must_use]
    pub fn new(config: TopicConfig, seed: u64, now: Timestamp) -> Self {
        let facts =
            StreamFacts::new(config.topic.clone()).with_arrival_grain(Duration::from_millis(1));
        let mut clock = SourceClock::new();
        clock.hear(now, &Listing::new(facts.clone(), Vec::new()));
        Self {
            name: ShardId::new(config.topic.as_str()),
            config,
            facts,
            clock,
            partitions: BTreeMap::new(),
            lanes: Vec::new(),
            line: VecDeque::new(),
            deliveries: Deliveries::default(),
            committing: Committing::default(),
            scaling: Scaling::new(now),
            measuring: Measuring::new(now),
            lane_is_free: false,
            dirty: BTreeSet::new(),
            hungry: BTreeSet::new(),
            waiting: BTreeSet::new(),
            returning: BTreeSet::new(),
            leaving: BTreeMap::new(),
            starved: false,
            fetches: BTreeMap::new(),
            buffered: 0,
            next_ordinal: 0,
            begun: false,
            draining: false,
            problem: None,
            shared: Shared::new(seed),
            actions: VecDeque::new(),
        }
    }

    /// Takes one fact from outside. Call [`poll`](Self::poll) until `None` before the next.
    pub fn handle(&mut self, now: Timestamp, input: Input) {
        debug_assert!(
            self.actions.is_empty() && self.shared.actions.is_empty(),
            "the actions of the last input were not drained"
        );
        match input {
            Input::Group(event) => self.group_event(now, event),
            Input::Fetched { id, result } => self.fetched(now, id, result),
            Input::Reserved { turn } => {
                self.shared.end_call(turn);
                for each in &mut self.lanes {
                    each.lane.reserved(turn);
                }
            }
            Input::Invoked {
                batch,
                attempt,
                result,
            } => self.invoked(now, batch, attempt, result),
            Input::Delivered { id, result } => self.delivered(now, id, result),
            Input::Committed { id, result } => self.committed(now, id, result),
            Input::LetGo { owned, result } => self.left(owned, result),
            Input::Measured { result } => self.measured(now, result),
            Input::Reconfigure(config) => self.reconfigure(*config),
            Input::Drain => self.drain(now),
            Input::Tick => {}
        }
        self.advance(now);
    }

    /// Does whatever can be done now.
    fn advance(&mut self, now: Timestamp) {
        self.shared.due(now);
        while let Some(&(time, number)) = self.waiting.first()
            && time <= now
        {
            self.waiting.pop_first();
            self.hungry.insert(number);
        }
        self.with_deliveries(now, |deliveries, ctx| deliveries.deliver(ctx));
        loop {
            self.draw(now);
            self.advance_lanes(now);
            self.commit(now);
            let lane_is_free = std::mem::take(&mut self.lane_is_free);
            if !lane_is_free && self.next_draw().is_none() {
                break;
            }
        }
        self.let_go(now);
        if std::mem::take(&mut self.starved) {
            self.hungry.extend(self.partitions.keys());
        }
        self.fetch(now);
        self.measure(now);
    }

    /// Returns the next thing to do.
    pub fn poll(&mut self) -> Option<Action> {
        let of_lane = self.shared.actions.pop_front();
        of_lane
            .and_then(translated)
            .or_else(|| self.actions.pop_front())
    }

    /// Returns when to call [`handle`](Self::handle) with [`Input::Tick`] if nothing else happens.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Timestamp> {
        let reading = [
            self.waiting.first().map(|&(time, _)| time),
            self.measuring.next_deadline(),
        ];
        let reads = !self.draining && !self.partitions.is_empty();
        let reading = reading.into_iter().flatten().filter(|_| reads);
        let others = [self.shared.next_timer(), self.committing.next_deadline()];
        reading.chain(others.into_iter().flatten()).min()
    }

    /// Returns how many partitions [`handle`](Self::handle) would look at for `input`, about.
    #[must_use]
    pub fn reach(&self, input: &Input) -> usize {
        match input {
            Input::Group(_) | Input::Measured { .. } | Input::Reconfigure(_) | Input::Drain => {
                self.partitions.len()
            }
            _ => 1,
        }
    }

    /// Tells whether nothing is outside: after [`Input::Drain`], the end.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.deliveries.is_empty()
            && self.leaving.is_empty()
            && !self.committing.is_busy()
            && !self.lanes.iter().any(|each| each.lane.is_working())
    }

    /// Tells whether the group has assigned what it will: all that comes into those partitions from now on is read.
    #[must_use]
    pub const fn has_begun(&self) -> bool {
        self.begun
    }

    /// Returns how many batches may run at a time.
    pub(super) fn limit(&self) -> usize {
        let pacing = self.config.batches.pacing;
        self.scaling
            .limit(self.config.pollers, pacing, self.partitions.len())
    }

    fn reconfigure(&mut self, config: TopicConfig) {
        for each in &mut self.lanes {
            each.lane.set_limits(config.batches.limits);
        }
        self.config = config;
        self.hungry.extend(self.partitions.keys());
    }

    fn drain(&mut self, now: Timestamp) {
        self.draining = true;
        for lane in 0..self.lanes.len() {
            self.abandon(now, lane);
        }
        for partition in self.partitions.values_mut() {
            partition.clear_buffer();
        }
        self.buffered = 0;
    }

    /// Has one lane work.
    pub(super) fn with_lane<T>(
        &mut self,
        now: Timestamp,
        lane: usize,
        work: impl FnOnce(&mut Lane, &mut Context<'_>) -> T,
    ) -> T {
        let (mut ctx, lanes, _) = self.at_work(now);
        work(&mut lanes[lane].lane, &mut ctx)
    }

    /// Has the deliveries work.
    pub(super) fn with_deliveries<T>(
        &mut self,
        now: Timestamp,
        work: impl FnOnce(&mut Deliveries, &mut Context<'_>) -> T,
    ) -> T {
        let (mut ctx, _, deliveries) = self.at_work(now);
        work(deliveries, &mut ctx)
    }

    fn at_work(&mut self, now: Timestamp) -> (Context<'_>, &mut Vec<TopicLane>, &mut Deliveries) {
        let ctx = Context {
            now,
            config: &self.config.batches,
            facts: &self.facts,
            clock: &mut self.clock,
            draining: self.draining,
            shards: self.partitions.len(),
            key: KEY,
            shard: self.name.clone(),
            epoch: 0,
            shared: &mut self.shared,
        };
        (ctx, &mut self.lanes, &mut self.deliveries)
    }
}

/// Returns what a lane asks for as the machine asks for it.
fn translated(action: stream::Action) -> Option<Action> {
    match action {
        stream::Action::Reserve { turn } => Some(Action::Reserve { turn }),
        stream::Action::Forgo { turn } => Some(Action::Forgo { turn }),
        stream::Action::Invoke {
            turn,
            batch,
            attempt,
            payload,
            ..
        } => Some(Action::Invoke {
            turn,
            batch,
            attempt,
            payload,
        }),
        stream::Action::Deliver { id, record } => Some(Action::Deliver { id, record }),
        stream::Action::Report(decision) => Some(Action::Report(decision)),
        // Lanes and deliveries read nothing and keep nothing.
        _ => None,
    }
}
