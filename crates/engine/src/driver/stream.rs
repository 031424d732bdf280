//! The driver of one stream mapping.

use std::sync::Arc;

use lambda_esm_core::Timestamp;
use lambda_esm_core::fault::DeliveryError;
use lambda_esm_core::stream::{
    Action, CallId, Checkpoint, FetchRequest, Input, Kept, ShardId, StartAt, StreamConfig,
    StreamMachine,
};
use tokio::sync::mpsc;
use tokio::task::{JoinError, JoinSet};
use tokio::time::Instant;
use uuid::Uuid;

use super::turns::Reservations;
use super::{Command, Outside};
use crate::ports::{FailureDestination, FailureRecord, StreamSource};
use crate::store::{Store, StoredPosition};

/// The fencing counter of positions that only this process writes.
const FENCE: u64 = 0;

/// Where records come from, where those go that are given up, and where positions are kept.
#[derive(Clone)]
pub(crate) struct StreamPorts {
    pub(crate) source: Arc<dyn StreamSource>,
    /// `None` if the mapping has no on-failure destination.
    pub(crate) destination: Option<Arc<dyn FailureDestination>>,
    pub(crate) store: Arc<dyn Store>,
}

/// Runs one stream machine until it is drained. Dropping the future aborts every call under way.
pub(crate) struct StreamDriver {
    mapping: Uuid,
    machine: StreamMachine,
    ports: StreamPorts,
    outside: Outside,
    turns: Reservations<CallId>,
    calls: JoinSet<Input>,
    /// Calls that a drain ends.
    reads: JoinSet<Input>,
    /// Whether everything that comes into the stream from now on is read.
    begun: bool,
    draining: bool,
}

impl StreamDriver {
    pub(crate) fn new(
        config: StreamConfig,
        kept: Kept,
        seed: u64,
        ports: StreamPorts,
        outside: Outside,
    ) -> Self {
        let mapping = config.mapping;
        let machine = StreamMachine::new(config, kept, seed, outside.clock.now());
        Self {
            mapping,
            machine,
            ports,
            turns: Reservations::new(outside.function.line.clone()),
            outside,
            calls: JoinSet::new(),
            reads: JoinSet::new(),
            begun: false,
            draining: false,
        }
    }

    /// Drives the machine until it was told to drain and has nothing in flight.
    pub(crate) async fn run(mut self, mut commands: mpsc::Receiver<Command<StreamConfig>>) {
        let clock = self.outside.clock;
        let timer = tokio::time::sleep_until(Instant::now());
        tokio::pin!(timer);
        self.handle(Input::Tick);
        while !(self.draining && self.machine.is_idle()) {
            let deadline = self.machine.next_deadline().map(|time| clock.instant(time));
            if let Some(deadline) = deadline
                && timer.deadline() != deadline
            {
                timer.as_mut().reset(deadline);
            }
            tokio::select! {
                biased;
                command = commands.recv(), if !self.draining => match command {
                    Some(Command::Reconfigure { config, function }) => {
                        self.turns.move_to(function.line.clone());
                        self.outside.function = function;
                        self.handle(Input::Reconfigure(config));
                    }
                    Some(Command::Drain { .. }) | None => self.drain(),
                },
                Some(answer) = self.calls.join_next() => self.answered(answer),
                turn = self.turns.next(), if self.turns.is_waiting() => if let Some(turn) = turn {
                    self.handle(Input::Reserved { turn });
                },
                Some(answer) = self.reads.join_next() => self.answered(answer),
                () = &mut timer, if deadline.is_some() => self.handle(Input::Tick),
            }
        }
        self.outside.publish(self.machine.status());
    }

    /// Ends open reads: what they would bring is still in the stream.
    fn drain(&mut self) {
        self.draining = true;
        self.reads.abort_all();
        self.handle(Input::Drain);
    }

    fn answered(&mut self, answer: Result<Input, JoinError>) {
        // No call panics; what is left is a read that `drain` aborted.
        if let Ok(input) = answer {
            self.handle(input);
        }
    }

    fn handle(&mut self, input: Input) {
        let now = self.outside.clock.now();
        let may_begin = matches!(
            input,
            Input::Listed { .. } | Input::Committed { .. } | Input::Opened { .. }
        );
        let mut next = Some(input);
        while let Some(input) = next {
            self.machine.handle(now, input);
            while let Some(action) = self.machine.poll() {
                self.carry_out(now, action);
            }
            let at_once = self.turns.at_once();
            next = at_once.map(|turn| Input::Reserved { turn });
        }
        if may_begin && !self.begun && self.machine.has_begun() {
            self.begun = true;
            self.outside.source_answered();
        }
        self.outside.publish(self.machine.status());
    }

    fn carry_out(&mut self, now: Timestamp, action: Action) {
        match action {
            Action::List { id } => {
                let source = self.ports.source.clone();
                self.reads.spawn(async move {
                    let result = source.list().await;
                    Input::Listed { id, result }
                });
            }
            Action::Open { id, shard, from } => self.open(id, shard, from),
            Action::Fetch { id, request } => self.fetch(id, request),
            Action::Reserve { turn } => self.turns.reserve(turn),
            Action::Forgo { turn } => self.turns.forgo(turn),
            Action::Invoke {
                turn,
                batch,
                attempt,
                payload,
            } => {
                let turn = self.turns.take(turn);
                let invocation = self.outside.invoke(turn, payload);
                self.calls.spawn(async move {
                    Input::Invoked {
                        batch,
                        attempt,
                        result: invocation.await,
                    }
                });
            }
            Action::Deliver { id, record } => self.deliver(id, record),
            Action::Commit {
                id,
                identity,
                checkpoints,
            } => self.commit(id, &identity, checkpoints),
            Action::Forget { id, shards } => self.forget(id, &shards),
            Action::Report(decision) => self.outside.report(now, decision),
        }
    }

    fn open(&mut self, id: CallId, shard: ShardId, from: StartAt) {
        let source = self.ports.source.clone();
        self.reads.spawn(async move {
            let result = source.open(&shard, &from).await;
            Input::Opened { id, result }
        });
    }

    fn fetch(&mut self, id: CallId, request: FetchRequest) {
        let source = self.ports.source.clone();
        self.reads.spawn(async move {
            let result = source.fetch(request).await;
            Input::Fetched { id, result }
        });
    }

    fn deliver(&mut self, id: CallId, record: FailureRecord) {
        let destination = self.ports.destination.clone();
        self.calls.spawn(async move {
            let result = match destination {
                Some(destination) => destination.deliver(record).await,
                None => Err(DeliveryError::new("the mapping has no destination")),
            };
            Input::Delivered { id, result }
        });
    }

    fn forget(&mut self, id: CallId, shards: &[ShardId]) {
        let (mapping, store) = (self.mapping, self.ports.store.clone());
        let partitions: Vec<String> = shards.iter().map(ToString::to_string).collect();
        self.calls.spawn(async move {
            let result = store.forget(mapping, partitions).await;
            let result = result.map_err(|error| error.to_string());
            if let Err(error) = &result {
                tracing::warn!(%mapping, error, "positions of shards that are gone are left for now");
            }
            Input::Forgotten { id, result }
        });
    }

    fn commit(&mut self, id: CallId, identity: &str, checkpoints: Vec<(ShardId, Checkpoint)>) {
        let position = |(shard, checkpoint): (ShardId, Checkpoint)| StoredPosition {
            mapping: self.mapping,
            partition: shard.as_str().to_owned(),
            position: checkpoint.to_text(),
            source_identity: identity.to_owned(),
            fence: FENCE,
        };
        let positions = checkpoints.into_iter().map(position).collect();
        let store = self.ports.store.clone();
        self.calls.spawn(async move {
            let result = store.commit(positions).await;
            let result = result.map_err(|error| error.to_string());
            Input::Committed { id, result }
        });
    }
}
