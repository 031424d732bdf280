//! The driver of one queue mapping: it feeds the machine, and carries out what the machine asks for.
//!
//! Every call to the outside is a task of its own; their answers come back one at a time, so the machine
//! sees one ordered sequence of facts and needs no lock.

use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures::FutureExt as _;
use lambda_esm_core::Timestamp;
use lambda_esm_core::decision::Decision;
use lambda_esm_core::fault::{InvokeError, SourceError, SourceErrorKind};
use lambda_esm_core::lifecycle::LastProcessingResult;
use lambda_esm_core::mapping::FunctionRef;
use lambda_esm_core::queue::{Action, Input, QueueConfig, QueueMachine, ReceiveId};
use tokio::sync::{mpsc, watch};
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::Instant;

use crate::clock::Clock;
use crate::events::History;
use crate::metrics::MappingMetrics;
use crate::ports::{InvokeBackend, InvokeRequest, QueueSource};
use crate::status::Progress;

/// What the supervisor tells a driver.
#[derive(Debug)]
pub(crate) enum Command {
    /// New settings, and the function to call from now on.
    Reconfigure {
        config: Box<QueueConfig>,
        function: Arc<FunctionRef>,
    },
    /// Stop reading, finish what is in flight, and end.
    Drain,
}

/// Everything a driver works with.
pub(crate) struct Outside {
    pub(crate) function: Arc<FunctionRef>,
    pub(crate) source: Arc<dyn QueueSource>,
    pub(crate) backend: Arc<dyn InvokeBackend>,
    pub(crate) clock: Clock,
    pub(crate) history: Arc<History>,
    pub(crate) metrics: MappingMetrics,
    pub(crate) progress: watch::Sender<Progress>,
}

/// Runs one queue machine until it is drained. Dropping the future aborts every call under way.
pub(crate) struct Driver {
    machine: QueueMachine,
    outside: Outside,
    function_name: Arc<str>,
    calls: JoinSet<Input>,
    receives: HashMap<ReceiveId, AbortHandle>,
    draining: bool,
}

impl Driver {
    pub(crate) fn new(config: QueueConfig, seed: u64, outside: Outside) -> Self {
        let machine = QueueMachine::new(config, seed, outside.clock.now());
        let function_name = outside.function.name().into();
        outside
            .metrics
            .set_concurrency(machine.status().concurrency);
        Self {
            machine,
            outside,
            function_name,
            calls: JoinSet::new(),
            receives: HashMap::new(),
            draining: false,
        }
    }

    /// Drives the machine until it was told to drain and has nothing in flight.
    pub(crate) async fn run(mut self, mut commands: mpsc::Receiver<Command>) {
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
                        self.function_name = function.name().into();
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
                let source = self.outside.source.clone();
                let receive = self.calls.spawn(async move {
                    let result = AssertUnwindSafe(source.receive(request))
                        .catch_unwind()
                        .await;
                    let result = result.unwrap_or_else(|_| Err(source_panicked()));
                    Input::Received { id, result }
                });
                self.receives.insert(id, receive);
            }
            Action::Invoke {
                batch,
                attempt,
                payload,
            } => {
                let backend = self.outside.backend.clone();
                let request = InvokeRequest {
                    function: self.outside.function.clone(),
                    payload,
                };
                self.calls.spawn(async move {
                    let result = AssertUnwindSafe(backend.invoke(request))
                        .catch_unwind()
                        .await;
                    let result = result
                        .unwrap_or_else(|_| Err(InvokeError::function("the backend panicked")));
                    Input::Invoked {
                        batch,
                        attempt,
                        result,
                    }
                });
            }
            Action::Settle { id, settlements } => {
                let source = self.outside.source.clone();
                self.calls.spawn(async move {
                    let result = AssertUnwindSafe(source.settle(&settlements))
                        .catch_unwind()
                        .await;
                    let result = result.unwrap_or_else(|_| Err(source_panicked()));
                    Input::Settled { id, result }
                });
            }
            Action::Report(decision) => self.report(now, decision),
        }
    }

    fn report(&mut self, now: Timestamp, decision: Decision) {
        self.outside.metrics.count(&decision);
        if let Some(result) = processing_result(&decision) {
            self.outside
                .progress
                .send_if_modified(|progress| progress.last_result.replace(result) != Some(result));
        }
        self.outside.history.add(now, &self.function_name, decision);
    }

    /// Watchers are woken only by what changed.
    fn publish(&self) {
        let status = self.machine.status();
        self.outside.progress.send_if_modified(|progress| {
            let changed = progress.activity != status;
            if changed {
                progress.activity = status;
            }
            changed
        });
    }
}

fn source_panicked() -> SourceError {
    SourceError::new(SourceErrorKind::Fatal, "the event source panicked")
}

const fn processing_result(decision: &Decision) -> Option<LastProcessingResult> {
    match decision {
        Decision::Succeeded { .. } => Some(LastProcessingResult::Ok),
        Decision::Failed { .. } | Decision::PartiallyFailed { .. } | Decision::Deferred { .. } => {
            Some(LastProcessingResult::FunctionCallFailed)
        }
        _ => None,
    }
}
