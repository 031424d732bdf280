//! The driver of one queue mapping: it feeds the machine, and carries out what the machine asks for.
//!
//! Every call to the outside is a task of its own; their answers come back one at a time, so the machine
//! sees one ordered sequence of facts and needs no lock.

use std::sync::Arc;
use std::time::Duration;

use lambda_esm_core::Timestamp;
use lambda_esm_core::decision::BatchId;
use lambda_esm_core::queue::{Action, Input, QueueConfig, QueueMachine};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::task::TaskTracker;

use super::receives::Receives;
use super::turns::Reservations;
use super::{Command, Outside};
use crate::ports::QueueSource;

/// The share of a drain's bound that is left to settling what found no slot before: a tenth.
const SETTLING_SHARE: u32 = 10;

/// Runs one queue machine until it is drained. Dropping the future aborts every call under way but the
/// receives, whose messages are released.
pub(crate) struct QueueDriver {
    machine: QueueMachine,
    source: Arc<dyn QueueSource>,
    outside: Outside,
    turns: Reservations<BatchId>,
    calls: JoinSet<Input>,
    receives: Receives,
    draining: bool,
}

impl QueueDriver {
    pub(crate) fn new(
        config: QueueConfig,
        seed: u64,
        source: Arc<dyn QueueSource>,
        receives: TaskTracker,
        outside: Outside,
    ) -> Self {
        let machine = QueueMachine::new(config, seed, outside.clock.now());
        Self {
            machine,
            receives: Receives::new(source.clone(), receives),
            source,
            turns: Reservations::new(outside.function.line.clone()),
            outside,
            calls: JoinSet::new(),
            draining: false,
        }
    }

    /// Drives the machine until it was told to drain and has nothing in flight.
    pub(crate) async fn run(mut self, mut commands: mpsc::Receiver<Command<QueueConfig>>) {
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
                    Some(Command::Drain { bound }) => self.drain(bound),
                    None => self.drain(Duration::ZERO),
                },
                // No call panics.
                Some(Ok(input)) = self.calls.join_next() => self.handle(input),
                Some(input) = self.receives.next() => self.handle(input),
                batch = self.turns.next(), if self.turns.is_waiting() => if let Some(batch) = batch {
                    self.handle(Input::Reserved { batch });
                },
                () = &mut timer, if deadline.is_some() => self.handle(Input::Tick),
            }
        }
        self.publish();
    }

    fn drain(&mut self, bound: Duration) {
        self.draining = true;
        let until = self.outside.clock.now() + (bound - bound / SETTLING_SHARE);
        self.handle(Input::Drain { until });
        self.receives.stop();
    }

    fn handle(&mut self, input: Input) {
        let now = self.outside.clock.now();
        let mut next = Some(input);
        while let Some(input) = next {
            self.machine.handle(now, input);
            while let Some(action) = self.machine.poll() {
                self.carry_out(now, action);
            }
            let at_once = self.turns.at_once();
            next = at_once.map(|batch| Input::Reserved { batch });
        }
        self.publish();
    }

    fn carry_out(&mut self, now: Timestamp, action: Action) {
        match action {
            Action::Receive { id, request } => self.receives.open(id, request),
            Action::Reserve { batch } => self.turns.reserve(batch),
            Action::Forgo { batch } => self.turns.forgo(batch),
            Action::Invoke {
                batch,
                attempt,
                payload,
            } => {
                let turn = self.turns.take(batch);
                let invocation = self.outside.invoke(turn, payload);
                self.calls.spawn(async move {
                    Input::Invoked {
                        batch,
                        attempt,
                        result: invocation.await,
                    }
                });
            }
            Action::Settle { id, settlements } => {
                let source = self.source.clone();
                self.calls.spawn(async move {
                    let result = source.settle(&settlements).await;
                    Input::Settled { id, result }
                });
            }
            Action::Report(decision) => self.outside.report(now, decision),
        }
    }

    fn publish(&self) {
        self.outside.publish(self.machine.status());
    }
}
