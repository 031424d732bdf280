//! What a driver needs of a machine, whatever the kind of its source.

use std::hash::Hash;

use crate::activity::Activity;
use crate::decision::BatchId;
use crate::queue::{self, QueueConfig, QueueMachine};
use crate::stream::push_queue::{self, PushQueueConfig, PushQueueMachine};
use crate::stream::topic::{self, TopicConfig, TopicMachine};
use crate::stream::{self, CallId, StreamConfig, StreamMachine};
use crate::time::Timestamp;

/// A fact that every machine takes, beside the answers to what it asks for.
#[derive(Debug)]
pub enum Signal<C, T> {
    /// It is the mapping's turn to call the function.
    Reserved(T),
    /// The settings changed. They hold for whatever is decided from now on.
    Reconfigure(Box<C>),
    /// The mapping stops.
    Drain {
        /// What a machine cannot finish by itself is given up by then.
        until: Timestamp,
    },
    /// Time has passed.
    Tick,
}

/// The rules of one mapping, driven as the [crate](crate) says. A driver carries out what it asks for.
pub trait Machine: Send + 'static {
    /// The settings of a mapping.
    type Config: Send + 'static;
    /// Names a turn to call the function.
    type Turn: Copy + Eq + Hash + Send + 'static;
    /// A fact from outside.
    type Input: From<Signal<Self::Config, Self::Turn>> + Send + 'static;
    /// Something to do.
    type Action: Send;

    /// Takes one fact. Call [`poll`](Self::poll) until `None` before the next.
    fn handle(&mut self, now: Timestamp, input: Self::Input);

    /// Returns the next thing to do.
    fn poll(&mut self) -> Option<Self::Action>;

    /// Returns when to [`handle`](Self::handle) a [`Signal::Tick`] if nothing else happens.
    fn next_deadline(&self) -> Option<Timestamp>;

    /// Tells whether nothing is under way: after [`Signal::Drain`], the end.
    fn is_idle(&self) -> bool;

    /// Tells whether everything that comes into the source from now on is read.
    fn has_begun(&self) -> bool;

    /// Returns about how many parts of the source (shards, partitions) `handle` would look at for `input`: the
    /// measure of how long it takes.
    fn reach(&self, now: Timestamp, input: &Self::Input) -> usize;

    /// Returns a view of the machine.
    fn status(&self) -> Activity;
}

impl From<Signal<QueueConfig, BatchId>> for queue::Input {
    fn from(signal: Signal<QueueConfig, BatchId>) -> Self {
        match signal {
            Signal::Reserved(batch) => Self::Reserved { batch },
            Signal::Reconfigure(config) => Self::Reconfigure(config),
            Signal::Drain { until } => Self::Drain { until },
            Signal::Tick => Self::Tick,
        }
    }
}

impl Machine for QueueMachine {
    type Config = QueueConfig;
    type Turn = BatchId;
    type Input = queue::Input;
    type Action = queue::Action;

    fn handle(&mut self, now: Timestamp, input: queue::Input) {
        Self::handle(self, now, input);
    }

    fn poll(&mut self) -> Option<queue::Action> {
        Self::poll(self)
    }

    fn next_deadline(&self) -> Option<Timestamp> {
        Self::next_deadline(self)
    }

    fn is_idle(&self) -> bool {
        Self::is_idle(self)
    }

    /// A queue keeps what comes in until somebody receives it, and has described itself before it has a machine.
    fn has_begun(&self) -> bool {
        true
    }

    /// A queue has no parts.
    fn reach(&self, _now: Timestamp, _input: &queue::Input) -> usize {
        1
    }

    fn status(&self) -> Activity {
        Self::status(self)
    }
}

impl From<Signal<StreamConfig, CallId>> for stream::Input {
    fn from(signal: Signal<StreamConfig, CallId>) -> Self {
        match signal {
            Signal::Reserved(turn) => Self::Reserved { turn },
            Signal::Reconfigure(config) => Self::Reconfigure(config),
            // What is not settled in time is still in the stream.
            Signal::Drain { .. } => Self::Drain,
            Signal::Tick => Self::Tick,
        }
    }
}

impl Machine for StreamMachine {
    type Config = StreamConfig;
    type Turn = CallId;
    type Input = stream::Input;
    type Action = stream::Action;

    fn handle(&mut self, now: Timestamp, input: stream::Input) {
        Self::handle(self, now, input);
    }

    fn poll(&mut self) -> Option<stream::Action> {
        Self::poll(self)
    }

    fn next_deadline(&self) -> Option<Timestamp> {
        Self::next_deadline(self)
    }

    fn is_idle(&self) -> bool {
        Self::is_idle(self)
    }

    fn has_begun(&self) -> bool {
        Self::has_begun(self)
    }

    fn reach(&self, now: Timestamp, input: &stream::Input) -> usize {
        Self::reach(self, now, input)
    }

    fn status(&self) -> Activity {
        Self::status(self)
    }
}

impl From<Signal<TopicConfig, CallId>> for topic::Input {
    fn from(signal: Signal<TopicConfig, CallId>) -> Self {
        match signal {
            Signal::Reserved(turn) => Self::Reserved { turn },
            Signal::Reconfigure(config) => Self::Reconfigure(config),
            // What is not settled in time is still in the topic.
            Signal::Drain { .. } => Self::Drain,
            Signal::Tick => Self::Tick,
        }
    }
}

impl Machine for TopicMachine {
    type Config = TopicConfig;
    type Turn = CallId;
    type Input = topic::Input;
    type Action = topic::Action;

    fn handle(&mut self, now: Timestamp, input: topic::Input) {
        Self::handle(self, now, input);
    }

    fn poll(&mut self) -> Option<topic::Action> {
        Self::poll(self)
    }

    fn next_deadline(&self) -> Option<Timestamp> {
        Self::next_deadline(self)
    }

    fn is_idle(&self) -> bool {
        Self::is_idle(self)
    }

    fn has_begun(&self) -> bool {
        Self::has_begun(self)
    }

    fn reach(&self, _now: Timestamp, input: &topic::Input) -> usize {
        Self::reach(self, input)
    }

    fn status(&self) -> Activity {
        Self::status(self)
    }
}

impl From<Signal<PushQueueConfig, CallId>> for push_queue::Input {
    fn from(signal: Signal<PushQueueConfig, CallId>) -> Self {
        match signal {
            Signal::Reserved(turn) => Self::Reserved { turn },
            Signal::Reconfigure(config) => Self::Reconfigure(config),
            // What is not settled in time goes back to the queue with the session.
            Signal::Drain { .. } => Self::Drain,
            Signal::Tick => Self::Tick,
        }
    }
}

impl Machine for PushQueueMachine {
    type Config = PushQueueConfig;
    type Turn = CallId;
    type Input = push_queue::Input;
    type Action = push_queue::Action;

    fn handle(&mut self, now: Timestamp, input: push_queue::Input) {
        Self::handle(self, now, input);
    }

    fn poll(&mut self) -> Option<push_queue::Action> {
        Self::poll(self)
    }

    fn next_deadline(&self) -> Option<Timestamp> {
        Self::next_deadline(self)
    }

    fn is_idle(&self) -> bool {
        Self::is_idle(self)
    }

    fn has_begun(&self) -> bool {
        Self::has_begun(self)
    }

    /// A queue has no parts.
    fn reach(&self, _now: Timestamp, _input: &push_queue::Input) -> usize {
        1
    }

    fn status(&self) -> Activity {
        Self::status(self)
    }
}
