//! The supervisor of one mapping: its life from `Creating` to gone, and its driver while it polls.

use std::sync::Arc;
use std::time::Duration;

use lambda_esm_core::Timestamp;
use lambda_esm_core::activity::Activity;
use lambda_esm_core::backoff::{Backoff, Random};
use lambda_esm_core::batch::Limits;
use lambda_esm_core::event::sqs::SqsEncoder;
use lambda_esm_core::fault::{SourceError, SourceErrorKind};
use lambda_esm_core::lifecycle::State;
use lambda_esm_core::mapping::{FunctionRef, Mapping, Source, SqsConcurrency, SqsMapping};
use lambda_esm_core::queue::{Concurrency, QueueConfig, QueueEncoder, QueueFacts};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

use crate::driver::{Command, Driver, Outside};
use crate::events::History;
use crate::metrics::MappingMetrics;
use crate::ports::{FunctionFacts, QueueSource};
use crate::shared::Shared;
use crate::status::Progress;

/// What the registry asks of a supervisor, once it has set out the mapping's way in its lifecycle.
#[derive(Debug)]
pub(crate) enum Order {
    /// Apply new settings.
    Update(Arc<Mapping>),
    /// Stop polling and end.
    Delete,
}

/// A driver at work, and the way to talk to it.
struct Polling {
    commands: mpsc::Sender<Command>,
    task: JoinHandle<()>,
    source: Arc<dyn QueueSource>,
    /// What the queue said about itself when it could last be asked.
    queue: QueueFacts,
}

impl Drop for Polling {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// What queue and function say about themselves.
struct Facts {
    queue: Result<(Arc<dyn QueueSource>, QueueFacts), SourceError>,
    function: FunctionFacts,
}

pub(crate) struct Supervisor {
    shared: Arc<Shared>,
    mapping: Arc<Mapping>,
    progress: watch::Sender<Progress>,
    history: Arc<History>,
    metrics: MappingMetrics,
    polling: Option<Polling>,
    /// Whether the driver has yet to hear of new settings.
    stale: bool,
    /// When to try again to begin polling, and how often that has failed.
    start_at: Option<Timestamp>,
    start_failures: u32,
    random: Random,
}

impl Supervisor {
    pub(crate) fn new(
        shared: Arc<Shared>,
        mapping: Arc<Mapping>,
        progress: watch::Sender<Progress>,
        history: Arc<History>,
        metrics: MappingMetrics,
    ) -> Self {
        let (seed, _) = mapping.uuid.as_u64_pair();
        Self {
            shared,
            mapping,
            progress,
            history,
            metrics,
            polling: None,
            stale: false,
            start_at: None,
            start_failures: 0,
            random: Random::new(seed),
        }
    }

    /// Runs until the mapping is deleted or the engine goes. An order interrupts whatever is being asked
    /// of the outside, which may take long to answer.
    pub(crate) async fn run(mut self, mut orders: mpsc::Receiver<Order>) {
        loop {
            self.advance().await;
            let clock = self.shared.clock;
            let now = clock.now();
            let needs_facts = self.needs_facts(now);
            let deadline = self.next_deadline(now);
            let wake = async {
                match deadline {
                    Some(deadline) => clock.sleep_until(deadline).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                biased;
                order = orders.recv() => match order {
                    Some(Order::Update(mapping)) => {
                        self.mapping = mapping;
                        self.stale = true;
                        self.start_at = None;
                    }
                    Some(Order::Delete) | None => {
                        self.stop().await;
                        return;
                    }
                },
                facts = self.ask(), if needs_facts => self.apply(facts).await,
                () = wake => {}
            }
        }
    }

    /// Moves on to the state whose time has come, and ends polling on the way to `Disabled`.
    async fn advance(&mut self) {
        let state = self.progress.borrow().lifecycle.state();
        if state == State::Disabling {
            self.stop().await;
        }
        let now = self.shared.clock.now();
        self.progress
            .send_if_modified(|progress| progress.lifecycle.advance(now));
    }

    /// Tells whether polling should begin, or go on by new settings.
    fn needs_facts(&self, now: Timestamp) -> bool {
        let polls = self.progress.borrow().lifecycle.polls();
        match &self.polling {
            Some(_) => self.stale,
            None => polls && self.start_at.is_none_or(|at| at <= now),
        }
    }

    fn next_deadline(&self, now: Timestamp) -> Option<Timestamp> {
        let lifecycle = self.progress.borrow().lifecycle.next_deadline();
        let start = self.start_at.filter(|&at| at > now);
        lifecycle.into_iter().chain(start).min()
    }

    /// Asks queue and function for what the rules need to know.
    async fn ask(&self) -> Facts {
        Facts {
            queue: self.ask_queue().await,
            function: self.function_facts(&self.mapping.function).await,
        }
    }

    async fn ask_queue(&self) -> Result<(Arc<dyn QueueSource>, QueueFacts), SourceError> {
        let source = match &self.polling {
            Some(polling) => polling.source.clone(),
            None => self.shared.queue(&self.mapping).await?,
        };
        let queue = source.describe().await?;
        Ok((source, queue))
    }

    /// Begins polling, or tells a running driver the new settings without losing what is in flight.
    async fn apply(&mut self, facts: Facts) {
        self.stale = false;
        let started = match (&mut self.polling, facts.queue) {
            (Some(polling), queue) => {
                // The old facts about the queue are better than none if it cannot be asked now.
                if let Ok((_, queue)) = queue {
                    polling.queue = queue;
                }
                return self.reconfigure(facts.function).await;
            }
            (None, Ok((source, queue))) => self.start(source, queue, facts.function),
            (None, Err(error)) => Err(error),
        };
        if let Err(error) = started {
            self.start_later(error);
        }
    }

    async fn reconfigure(&mut self, function: FunctionFacts) {
        let Some(polling) = &self.polling else {
            return;
        };
        // A mapping never changes its source, so there is a driver for the new settings too.
        if let Ok(config) = self.config(polling.queue, function) {
            let function = Arc::new(self.mapping.function.clone());
            let command = Command::Reconfigure {
                config: Box::new(config),
                function,
            };
            if polling.commands.send(command).await.is_err() {
                self.polling = None;
            }
        }
    }

    fn start(
        &mut self,
        source: Arc<dyn QueueSource>,
        queue: QueueFacts,
        function: FunctionFacts,
    ) -> Result<(), SourceError> {
        let config = self.config(queue, function)?;
        let (commands, receiver) = mpsc::channel(8);
        let outside = Outside {
            function: Arc::new(self.mapping.function.clone()),
            source: source.clone(),
            backend: self.shared.backend.clone(),
            clock: self.shared.clock,
            history: self.history.clone(),
            metrics: self.metrics.clone(),
            progress: self.progress.clone(),
        };
        let driver = Driver::new(config, self.random.next_u64(), outside);
        self.polling = Some(Polling {
            commands,
            task: tokio::spawn(driver.run(receiver)),
            source,
            queue,
        });
        self.start_at = None;
        self.start_failures = 0;
        self.progress
            .send_modify(|progress| progress.start_problem = None);
        Ok(())
    }

    fn start_later(&mut self, error: SourceError) {
        self.start_failures = self.start_failures.saturating_add(1);
        let wait = Backoff::SOURCE.wait(self.start_failures, &mut self.random);
        self.start_at = Some(self.shared.clock.now() + wait);
        tracing::warn!(mapping = %self.mapping.uuid, %error, retry_in = ?wait, "cannot begin polling");
        self.progress
            .send_modify(|progress| progress.start_problem = Some(error.message));
    }

    fn config(
        &self,
        queue: QueueFacts,
        function: FunctionFacts,
    ) -> Result<QueueConfig, SourceError> {
        match &self.mapping.source {
            Source::Sqs(sqs) => Ok(self.sqs_config(sqs, queue, function)),
            other => Err(not_built(other)),
        }
    }

    /// A backend that cannot tell, or cannot be asked now, leaves the facts open.
    async fn function_facts(&self, function: &FunctionRef) -> FunctionFacts {
        self.shared
            .backend
            .describe(function)
            .await
            .unwrap_or_default()
    }

    fn sqs_config(
        &self,
        sqs: &SqsMapping,
        queue: QueueFacts,
        function: FunctionFacts,
    ) -> QueueConfig {
        let region = sqs.queue_arn.region();
        let has_window = !sqs.window.is_zero();
        let encoder = SqsEncoder::new(sqs.queue_arn.as_str(), region, has_window);
        QueueConfig {
            limits: Limits {
                count: sqs.batch_size as usize,
                window: sqs.window,
            },
            report_batch_item_failures: sqs.report_batch_item_failures,
            fifo: sqs.fifo,
            concurrency: match sqs.concurrency {
                SqsConcurrency::OnDemand { maximum } => Concurrency::OnDemand { maximum },
                SqsConcurrency::Provisioned(pollers) => Concurrency::Provisioned {
                    minimum: pollers.minimum,
                    maximum: pollers.maximum,
                },
            },
            pacing: self.shared.options.pacing,
            filters: self
                .mapping
                .filters
                .as_ref()
                .map(|set| set.compiled().clone()),
            encoder: QueueEncoder::Sqs(encoder),
            facts: queue,
            function_timeout: function.timeout,
            function_concurrency: function.concurrency,
            detail: self.shared.options.detail,
        }
    }

    /// Lets the driver finish what is in flight, within the engine's bound.
    async fn stop(&mut self) {
        self.start_at = None;
        self.stale = false;
        if let Some(polling) = self.polling.take() {
            self.drain(polling).await;
        }
        self.progress.send_modify(|progress| {
            progress.activity = Activity::default();
            progress.start_problem = None;
        });
    }

    async fn drain(&self, mut polling: Polling) {
        let bound: Duration = self.shared.options.drain_limit;
        // The driver may have ended by itself; then there is nothing to tell it.
        drop(polling.commands.send(Command::Drain).await);
        if tokio::time::timeout(bound, &mut polling.task)
            .await
            .is_err()
        {
            tracing::warn!(
                mapping = %self.mapping.uuid,
                ?bound,
                "batches still in flight are left to their visibility timeout"
            );
        }
        polling.task.abort();
        // The aborted driver must not write to the progress any more.
        polling.commands.closed().await;
    }
}

/// Returns the error of a source for which there is no driver.
pub(crate) fn not_built(source: &Source) -> SourceError {
    let text = format!(
        "event sources of kind {:?} are not supported by this build",
        source.kind()
    );
    SourceError::new(SourceErrorKind::Fatal, text)
}
