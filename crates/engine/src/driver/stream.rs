//! The driver of one stream mapping.

use std::sync::Arc;

use lambda_esm_core::Timestamp;
use lambda_esm_core::fault::DeliveryError;
use lambda_esm_core::stream::{
    Action, CallId, Checkpoint, FetchRequest, Input, KeptCheckpoints, ShardId, Start, StreamConfig,
    StreamMachine,
};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::Instant;
use uuid::Uuid;

use super::turns::Reservations;
use super::{Command, Outside};
use crate::ports::{FailureDestination, FailureRecord, StreamSource};
use crate::store::{Store, StoredCheckpoint};

/// The fencing counter of checkpoints that only this process writes.
const FENCE: u64 = 0;

/// A step of the machine that looks at more shards than this is taken beside the runtime's workers, on which others
/// wait for their turn: a shard takes a microsecond or two.
const LONG_STEP: usize = 1_000;

/// After so many actions, or checkpoints, others have their turn.
const AT_A_TIME: usize = 100;

/// Where records come from, where those go that are given up, and where checkpoints are kept.
#[derive(Clone)]
pub(crate) struct StreamPorts {
    pub(crate) source: Arc<dyn StreamSource>,
    /// `None` if the mapping has no on-failure destination.
    pub(crate) destination: Option<Arc<dyn FailureDestination>>,
    pub(crate) store: Arc<dyn Store>,
}

/// Carries out what one stream machine asks for. Dropping it aborts every call under way.
pub(crate) struct StreamDriver {
    mapping: Uuid,
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
    pub(crate) fn new(mapping: Uuid, ports: StreamPorts, outside: Outside) -> Self {
        Self {
            mapping,
            ports,
            turns: Reservations::new(outside.function.line.clone()),
            outside,
            calls: JoinSet::new(),
            reads: JoinSet::new(),
            begun: false,
            draining: false,
        }
    }

    /// Drives a machine until it was told to drain and has nothing in flight.
    pub(crate) async fn run(
        mut self,
        config: StreamConfig,
        kept: KeptCheckpoints,
        seed: u64,
        mut commands: mpsc::Receiver<Command<StreamConfig>>,
    ) {
        let clock = self.outside.clock;
        let timer = tokio::time::sleep_until(Instant::now());
        tokio::pin!(timer);
        let mut machine = StreamMachine::new(config, kept, seed, clock.now());
        machine = self.handle(machine, Input::Tick).await;
        while !(self.draining && machine.is_idle()) {
            let deadline = machine.next_deadline().map(|time| clock.instant(time));
            if let Some(deadline) = deadline
                && timer.deadline() != deadline
            {
                timer.as_mut().reset(deadline);
            }
            let input = tokio::select! {
                biased;
                command = commands.recv(), if !self.draining => Some(self.told(command)),
                // No call panics; what is left is a read that `told` aborted.
                Some(answer) = self.calls.join_next() => answer.ok(),
                turn = self.turns.next(), if self.turns.is_waiting() => {
                    turn.map(|turn| Input::Reserved { turn })
                }
                Some(answer) = self.reads.join_next() => answer.ok(),
                () = &mut timer, if deadline.is_some() => Some(Input::Tick),
            };
            if let Some(input) = input {
                machine = self.handle(machine, input).await;
            }
        }
        self.outside.publish(machine.status());
    }

    fn told(&mut self, command: Option<Command<StreamConfig>>) -> Input {
        match command {
            Some(Command::Reconfigure { config, function }) => {
                self.turns.move_to(function.line.clone());
                self.outside.function = function;
                Input::Reconfigure(config)
            }
            // Open reads end: what they would bring is still in the stream.
            Some(Command::Drain { .. }) | None => {
                self.draining = true;
                self.reads.abort_all();
                Input::Drain
            }
        }
    }

    async fn handle(&mut self, mut machine: StreamMachine, input: Input) -> StreamMachine {
        let now = self.outside.clock.now();
        let may_begin = matches!(
            input,
            Input::Listed { .. } | Input::Committed { .. } | Input::Opened { .. }
        );
        let mut actions = 0_usize;
        let mut next = Some(input);
        while let Some(input) = next {
            machine = step(machine, now, input).await;
            while let Some(action) = machine.poll() {
                self.carry_out(now, action);
                actions += 1;
                if actions.is_multiple_of(AT_A_TIME) {
                    tokio::task::yield_now().await;
                }
            }
            let at_once = self.turns.at_once();
            next = at_once.map(|turn| Input::Reserved { turn });
        }
        if may_begin && !self.begun && machine.has_begun() {
            self.begun = true;
            self.outside.source_answered();
        }
        self.outside.publish(machine.status());
        machine
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
            } => self.commit(id, identity, checkpoints),
            Action::Forget { id, shards } => self.forget(id, &shards),
            Action::Report(decision) => self.outside.report(now, decision),
        }
    }

    fn open(&mut self, id: CallId, shard: ShardId, from: Start) {
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
                tracing::warn!(%mapping, error, "checkpoints of shards that are gone are left for now");
            }
            Input::Forgotten { id, result }
        });
    }

    fn commit(&mut self, id: CallId, identity: String, checkpoints: Vec<(ShardId, Checkpoint)>) {
        let (mapping, store) = (self.mapping, self.ports.store.clone());
        self.calls.spawn(async move {
            let mut rows = Vec::with_capacity(checkpoints.len());
            for (shard, checkpoint) in checkpoints {
                rows.push(StoredCheckpoint {
                    mapping,
                    partition: shard.as_str().to_owned(),
                    checkpoint: checkpoint.to_text(),
                    source_identity: identity.clone(),
                    fence: FENCE,
                });
                if rows.len().is_multiple_of(AT_A_TIME) {
                    tokio::task::yield_now().await;
                }
            }
            let result = store.commit(rows).await;
            let result = result.map_err(|error| error.to_string());
            Input::Committed { id, result }
        });
    }
}

/// Has the machine handle one fact.
async fn step(mut machine: StreamMachine, now: Timestamp, input: Input) -> StreamMachine {
    if machine.reach(now, &input) <= LONG_STEP {
        machine.handle(now, input);
        return machine;
    }
    let long = tokio::task::spawn_blocking(move || {
        machine.handle(now, input);
        machine
    });
    match long.await {
        Ok(machine) => machine,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            // The runtime is about to end, and this with it.
            Err(_) => std::future::pending().await,
        },
    }
}
