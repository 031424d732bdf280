//! The supervisor of one mapping: its life from `Creating` to gone, and its driver while it polls.

use std::sync::Arc;
use std::time::Duration;

use lambda_esm_core::Timestamp;
use lambda_esm_core::backoff::{Backoff, Random};
use lambda_esm_core::batch::Limits;
use lambda_esm_core::event::sqs::SqsEncoder;
use lambda_esm_core::fault::{SourceError, SourceErrorKind};
use lambda_esm_core::lifecycle::{Lifecycle, State};
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

/// What the registry asks of a supervisor.
#[derive(Debug)]
pub(crate) enum Order {
    /// Apply new settings, on the way given by the lifecycle.
    Update {
        mapping: Arc<Mapping>,
        lifecycle: Lifecycle,
    },
    /// Stop polling and end.
    Delete,
}

/// A driver at work, and the way to talk to it.
struct Polling {
    commands: mpsc::Sender<Command>,
    task: JoinHandle<()>,
    source: Arc<dyn QueueSource>,
}

impl Drop for Polling {
    fn drop(&mut self) {
        self.task.abort();
    }
}

pub(crate) struct Supervisor {
    shared: Arc<Shared>,
    mapping: Arc<Mapping>,
    lifecycle: Lifecycle,
    progress: watch::Sender<Progress>,
    history: Arc<History>,
    metrics: MappingMetrics,
    polling: Option<Polling>,
    /// When to try again to begin polling, and how often that has failed.
    start_at: Option<Timestamp>,
    start_failures: u32,
    random: Random,
}

impl Supervisor {
    pub(crate) fn new(
        shared: Arc<Shared>,
        mapping: Arc<Mapping>,
        lifecycle: Lifecycle,
        progress: watch::Sender<Progress>,
        history: Arc<History>,
        metrics: MappingMetrics,
    ) -> Self {
        let (seed, _) = mapping.uuid.as_u64_pair();
        Self {
            shared,
            mapping,
            lifecycle,
            progress,
            history,
            metrics,
            polling: None,
            start_at: None,
            start_failures: 0,
            random: Random::new(seed),
        }
    }

    /// Runs until the mapping is deleted or the engine goes.
    pub(crate) async fn run(mut self, mut orders: mpsc::Receiver<Order>) {
        loop {
            self.advance().await;
            let clock = self.shared.clock;
            let deadline = [self.lifecycle.next_deadline(), self.start_at]
                .into_iter()
                .flatten()
                .min();
            let wake = async {
                match deadline {
                    Some(deadline) => clock.sleep_until(deadline).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                order = orders.recv() => match order {
                    Some(Order::Update { mapping, lifecycle }) => {
                        self.mapping = mapping;
                        self.lifecycle = lifecycle;
                        self.apply().await;
                    }
                    Some(Order::Delete) | None => {
                        self.stop().await;
                        return;
                    }
                },
                () = wake => {}
            }
        }
    }

    /// Moves on to the state whose time has come, and begins or ends polling with it.
    async fn advance(&mut self) {
        let now = self.shared.clock.now();
        if self.lifecycle.state() == State::Disabling {
            self.stop().await;
        }
        self.lifecycle.advance(now);
        let state = self.lifecycle.state();
        self.progress
            .send_modify(|progress| progress.state = Some(state));
        if state.polls() && self.polling.is_none() && self.start_at.is_none_or(|at| at <= now) {
            self.start().await;
        }
    }

    /// Applies new settings to a running driver, without losing what is in flight.
    async fn apply(&mut self) {
        let state = self.lifecycle.state();
        self.progress
            .send_modify(|progress| progress.state = Some(state));
        self.start_at = None;
        let Some(polling) = &self.polling else {
            return;
        };
        if state == State::Disabling {
            return;
        }
        // The old facts about the queue are better than none if it cannot be asked now.
        if let Ok(config) = self.configure(polling.source.as_ref()).await {
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

    async fn start(&mut self) {
        match self.open().await {
            Ok(polling) => {
                self.polling = Some(polling);
                self.start_at = None;
                self.start_failures = 0;
                self.progress
                    .send_modify(|progress| progress.start_problem = None);
            }
            Err(error) => {
                self.start_failures = self.start_failures.saturating_add(1);
                let wait = Backoff::SOURCE.wait(self.start_failures, &mut self.random);
                self.start_at = Some(self.shared.clock.now() + wait);
                tracing::warn!(mapping = %self.mapping.uuid, %error, retry_in = ?wait, "cannot begin polling");
                let problem = Some(error.message);
                self.progress
                    .send_modify(|progress| progress.start_problem = problem);
            }
        }
    }

    async fn open(&mut self) -> Result<Polling, SourceError> {
        let source = self.shared.queue(&self.mapping).await?;
        let config = self.configure(source.as_ref()).await?;
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
        Ok(Polling {
            commands,
            task: tokio::spawn(driver.run(receiver)),
            source,
        })
    }

    /// Asks queue and function for what the rules need to know.
    async fn configure(&self, source: &dyn QueueSource) -> Result<QueueConfig, SourceError> {
        let queue = source.describe().await?;
        let function = self.function_facts(&self.mapping.function).await;
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
        let Some(mut polling) = self.polling.take() else {
            return;
        };
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
