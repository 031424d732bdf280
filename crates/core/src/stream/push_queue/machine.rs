//! The machine of one queue of a broker.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use super::action::{Action, Input};
use super::config::PushQueueConfig;
use super::link::Link;
use super::settlements::Settlements;
use crate::decision::Decision;
use crate::fault::SourceError;
use crate::record::{DeliveryTag, PushedContent};
use crate::stream::context::{Context, Shared};
use crate::stream::item::{Item, Ordinal};
use crate::stream::lane::Lane;
use crate::stream::shard_key::ShardKey;
use crate::stream::source_clock::SourceClock;
use crate::stream::tumbling_window::TumblingWindow;
use crate::stream::{self, Listing, ShardId, StreamFacts};
use crate::time::Timestamp;

/// The lanes share one key: whatever they wait for, the machine finds out whose it is.
const KEY: ShardKey = ShardKey(0);

/// A message that waits for a lane.
#[derive(Debug)]
pub(super) struct Pushed {
    pub(super) item: Item,
    pub(super) content: PushedContent,
    pub(super) size: usize,
}

/// A delivery about which nothing is decided.
#[derive(Clone, Copy, Debug)]
pub(super) struct Delivery {
    pub(super) tag: DeliveryTag,
    /// How many deliveries before this one have failed.
    pub(super) failures_before: u32,
    /// How many tries of this one have.
    pub(super) failures: u32,
    /// When the broker counts it as expired; `None` for never.
    pub(super) expires: Option<Timestamp>,
}

/// Runs one mapping of a queue whose broker pushes. See the [module](super) for the way of a message through it.
#[derive(Debug)]
pub struct PushQueueMachine {
    pub(super) config: PushQueueConfig,
    /// The queue, as decisions name it.
    pub(super) name: ShardId,
    facts: StreamFacts,
    clock: SourceClock,
    pub(super) link: Link,
    /// When a session is tried next, once this one is ended.
    pub(super) retry_at: Timestamp,
    /// How many sessions in a row brought nothing.
    pub(super) failures: u32,
    /// What is wrong with the broker, while it is.
    pub(super) problem: Option<SourceError>,
    /// Deliveries of this session about which nothing is decided. Those of earlier ones are not among them.
    pub(super) deliveries: BTreeMap<Ordinal, Delivery>,
    pub(super) settlements: Settlements,
    /// What no lane has drawn yet.
    pub(super) buffer: VecDeque<Pushed>,
    /// The size of its data, in bytes.
    pub(super) buffered: usize,
    /// One for each invocation that may run at a time.
    pub(super) lanes: Vec<Lane>,
    /// Whether a batch has ended, so that more can be drawn.
    pub(super) lane_is_free: bool,
    pub(super) next_ordinal: Ordinal,
    /// Whether the queue was ever consumed.
    pub(super) begun: bool,
    pub(super) draining: bool,
    pub(super) shared: Shared,
    pub(super) actions: VecDeque<Action>,
}

impl PushQueueMachine {
    /// Returns a machine that is not connected yet. `seed` decides its jitter.
    #[must_use]
    pub fn new(config: PushQueueConfig, seed: u64, now: Timestamp) -> Self {
        let facts =
            StreamFacts::new(config.queue.clone()).with_arrival_grain(Duration::from_millis(1));
        let mut clock = SourceClock::new();
        clock.hear(now, &Listing::new(facts.clone(), Vec::new()));
        let lane = || Lane::new(&config.batches, TumblingWindow::new(None));
        Self {
            name: ShardId::new(config.queue.as_str()),
            facts,
            clock,
            link: Link::Waiting(now),
            retry_at: now,
            failures: 0,
            problem: None,
            deliveries: BTreeMap::new(),
            settlements: Settlements::default(),
            buffer: VecDeque::new(),
            buffered: 0,
            lanes: (0..config.concurrency()).map(|_| lane()).collect(),
            lane_is_free: false,
            next_ordinal: 0,
            begun: false,
            draining: false,
            shared: Shared::new(seed),
            actions: VecDeque::new(),
            config,
        }
    }

    /// Takes one fact from outside. Call [`poll`](Self::poll) until `None` before the next.
    pub fn handle(&mut self, now: Timestamp, input: Input) {
        debug_assert!(
            self.actions.is_empty() && self.shared.actions.is_empty(),
            "the actions of the last input were not drained"
        );
        match input {
            Input::Connected { id, result } => self.connected(now, id, result),
            Input::Received { session, result } => self.received(now, session, result),
            Input::Settled { id, result } => self.settled(now, id, result),
            Input::Stopped { id, result } => self.stopped(now, id, result),
            Input::Closed { id } => self.closed(id),
            Input::Reserved { turn } => {
                self.shared.end_call(turn);
                for lane in &mut self.lanes {
                    lane.reserved(turn);
                }
            }
            Input::Invoked {
                batch,
                attempt,
                result,
            } => self.invoked(now, batch, attempt, result),
            Input::Reconfigure(config) => self.reconfigure(*config),
            Input::Drain => self.drain(now),
            Input::Tick => {}
        }
        self.advance(now);
    }

    /// Does whatever can be done now.
    fn advance(&mut self, now: Timestamp) {
        self.shared.due(now);
        self.connect(now);
        loop {
            self.draw();
            self.advance_lanes(now);
            if !std::mem::take(&mut self.lane_is_free) {
                break;
            }
        }
        self.go_on_draining();
        self.send_settlements();
        self.read();
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
        let connects = match self.link {
            Link::Waiting(time) => Some(time),
            _ => None,
        };
        let times = [connects, self.shared.next_timer()];
        times.into_iter().flatten().min()
    }

    /// Tells whether nothing is outside: after [`Input::Drain`], the end.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        let is_connected = !matches!(self.link, Link::Waiting(_) | Link::Over);
        !is_connected && !self.lanes.iter().any(Lane::is_working)
    }

    /// Tells whether the queue was consumed. What comes into it is kept for whoever consumes it.
    #[must_use]
    pub const fn has_begun(&self) -> bool {
        self.begun
    }

    fn reconfigure(&mut self, config: PushQueueConfig) {
        for lane in &mut self.lanes {
            lane.set_limits(config.batches.limits);
        }
        self.config = config;
    }

    /// Has one lane work.
    pub(super) fn with_lane<T>(
        &mut self,
        now: Timestamp,
        lane: usize,
        work: impl FnOnce(&mut Lane, &mut Context<'_>) -> T,
    ) -> T {
        let mut ctx = Context {
            now,
            config: &self.config.batches,
            facts: &self.facts,
            clock: &mut self.clock,
            draining: self.draining,
            shards: 1,
            key: KEY,
            shard: self.name.clone(),
            epoch: 0,
            shared: &mut self.shared,
        };
        work(&mut self.lanes[lane], &mut ctx)
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
        // How long a message waits in its queue, brokers do not tell.
        stream::Action::Report(Decision::Invoked {
            batch,
            attempt,
            records,
            ..
        }) => Some(Action::Report(Decision::Invoked {
            batch,
            attempt,
            records,
            iterator_age_ms: None,
        })),
        stream::Action::Report(decision) => Some(Action::Report(decision)),
        // Lanes read nothing and keep nothing.
        _ => None,
    }
}
