//! The driver of one queue mapping: it feeds the machine, and carries out what the machine asks for.
//!
//! Every call to the outside is a task of its own; their answers come back one at a time, so the machine
//! sees one ordered sequence of facts and needs no lock.

use std::collections::HashMap;
use std::sync::Arc;

use lambda_esm_core::Timestamp;
use lambda_esm_core::queue::{Action, Input, QueueConfig, QueueMachine, ReceiveId};
use tokio::sync::mpsc;
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::Instant;

use super::{Command, Outside, caught, source_panicked};
use crate::ports::QueueSource;

/// Runs one queue machine until it is drained. Dropping the future aborts every call under way.
pub(crate) struct QueueDriver {
    machine: QueueMachine,
    source: Arc<dyn QueueSource>,
    outside: Outside,
    calls: JoinSet<Input>,
    receives: HashMap<ReceiveId, AbortHandle>,
    draining: bool,
}

impl QueueDriver {
    pub(crate) fn new(
        config: QueueConfig,
        seed: u64,
        source: Arc<dyn QueueSource>,
        outside: Outside,
    ) -> Self {
        let machine = QueueMachine::new(config, seed, outside.clock.now());
        Self {
            machine,
            source,
            outside,
            calls: JoinSet::new(),
            receives: HashMap::new(),
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
                        self.outside.function = function;
                        self.handle(Input::Reconfigure(config));
                    }
                    Some(Command::Drain) | None => self.drain(),
                },
                Some(answer) = self.calls.join_next() => self.answered(answer),
                () = &mut timer, if deadline.is_some() => self.handle(Input::Tick),
            }
        }
        self.publish();
    }

    /// Ends open receives: a long poll may take 20 s, and what it might still bring returns to the queue
    /// by itself.
    fn drain(&mut self) {
        self.draining = true;
        for (_, receive) in self.receives.drain() {
            receive.abort();
        }
        self.handle(Input::Drain);
    }

    fn answered(&mut self, answer: Result<Input, tokio::task::JoinError>) {
        // Calls turn their own panics into errors; what is left is a receive that `drain` aborted.
        if let Ok(input) = answer {
            if let Input::Received { id, .. } = &input {
                self.receives.remove(id);
            }
            self.handle(input);
        }
    }

    fn handle(&mut self, input: Input) {
        let now = self.outside.clock.now();
        self.machine.handle(now, input);
        while let Some(action) = self.machine.poll() {
            self.carry_out(now, action);
        }
        self.publish();
    }

    fn carry_out(&mut self, now: Timestamp, action: Action) {
        match action {
            Action::Receive { id, request } => {
                let source = self.source.clone();
                let receive = self.calls.spawn(async move {
                    let result = caught(source.receive(request), source_panicked).await;
                    Input::Received { id, result }
                });
                self.receives.insert(id, receive);
            }
            Action::Invoke {
                batch,
                attempt,
                payload,
            } => {
                let invocation = self.outside.invoke(payload);
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
                    let result = caught(source.settle(&settlements), source_panicked).await;
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
