//! The supervisor of one mapping: its life from `Creating` to gone, and its driver while it polls.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt as _;
use lambda_esm_core::Timestamp;
use lambda_esm_core::activity::Activity;
use lambda_esm_core::backoff::{Backoff, Random};
use lambda_esm_core::fault::{InvokeErrorKind, SourceError, SourceErrorKind};
use lambda_esm_core::lifecycle::State;
use lambda_esm_core::mapping::Mapping;
use tokio::sync::{mpsc, watch};
use uuid::Uuid;

use crate::driver::{Function, Outside};
use crate::events::History;
use crate::metrics::MappingMetrics;
use crate::polling::{self, Facts, Polling, Reconfigured};
use crate::shared::{PATIENCE, Shared};
use crate::status::Progress;

/// A driver that ran for so long has not failed to start.
const LASTING: Duration = Duration::from_secs(60);

/// What the registry asks of a supervisor, once it has set out the mapping's way in its lifecycle.
#[derive(Debug)]
pub(crate) enum Order {
    /// Apply new settings.
    Update(Arc<Mapping>),
    /// Stop polling and end.
    Delete,
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
    /// When polling last began.
    started_at: Timestamp,
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
        // Not the mapping's own UUID: what is drawn must be new after a restart too.
        let (seed, _) = Uuid::new_v4().as_u64_pair();
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
            started_at: Timestamp::default(),
            random: Random::new(seed),
        }
    }

    /// Runs until the mapping is deleted or the engine goes. A panic, which only a fault of ours can be,
    /// ends polling: a mapping that is there begins again.
    pub(crate) async fn live(mut self, mut orders: mpsc::Receiver<Order>) {
        loop {
            let ended = AssertUnwindSafe(self.run(&mut orders)).catch_unwind().await;
            let state = self.progress.borrow().lifecycle.state();
            if ended.is_ok() || state == State::Deleting {
                return;
            }
            self.start_again();
        }
    }

    /// An order interrupts whatever is being asked of the outside, which may take long to answer.
    async fn run(&mut self, orders: &mut mpsc::Receiver<Order>) {
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
                () = ended(self.polling.as_ref()) => self.start_again(),
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

    /// Asks source, store and function for what the rules need to know. One that does not answer in time
    /// is asked again later, like one that fails.
    async fn ask(&self) -> Facts {
        let asking = async {
            let function = self.shared.backend.describe(&self.mapping.function).await;
            let source = match &function {
                // Nothing was invoked: the backend itself is broken.
                Err(error) if error.kind == InvokeErrorKind::Function => {
                    let text = error.message.clone();
                    Err(SourceError::new(SourceErrorKind::Fatal, text))
                }
                _ => polling::ask(&self.shared, &self.mapping, self.polling.as_ref()).await,
            };
            // A backend that cannot be asked now leaves the facts open.
            Facts {
                source,
                function: function.ok(),
            }
        };
        let facts = tokio::time::timeout(PATIENCE, asking).await;
        facts.unwrap_or_else(|_| {
            let text = format!(
                "neither source nor function said what they are within {} s",
                PATIENCE.as_secs()
            );
            Facts {
                source: Err(SourceError::new(SourceErrorKind::Transient, text)),
                function: None,
            }
        })
    }

    /// Begins polling, or tells a running driver the new settings without losing what is in flight.
    async fn apply(&mut self, facts: Facts) {
        self.stale = false;
        let (shared, mapping) = (self.shared.clone(), self.mapping.clone());
        // Held until the driver holds it too, so that it does not forget what it is told here.
        let line = shared.lines.of(mapping.function.name());
        if let Some(function) = &facts.function {
            line.set_known(function.concurrency);
        }
        if let Some(polling) = &mut self.polling {
            match polling.reconfigure(&shared, &mapping, facts).await {
                Reconfigured::Done => {}
                Reconfigured::Ended => self.polling = None,
                // Begun anew with what the old driver leaves behind.
                Reconfigured::NeedsRestart => self.drain().await,
            }
            return;
        }
        let seed = self.random.next_u64();
        match polling::start(&shared, &mapping, facts, seed, self.outside()) {
            Ok(polling) => {
                self.start_at = None;
                self.started_at = self.shared.clock.now();
                // A stream has yet to be listed and opened: its driver tells when it is.
                let answered = matches!(polling, Polling::Queue { .. });
                self.progress.send_modify(|progress| {
                    progress.start_problem = None;
                    if answered {
                        progress.lifecycle.source_answered();
                    }
                });
                self.polling = Some(polling);
            }
            Err(error) => self.start_later(error),
        }
    }

    fn outside(&self) -> Outside {
        Outside {
            function: Function::new(&self.mapping.function, &self.shared.lines),
            backend: self.shared.backend.clone(),
            clock: self.shared.clock,
            history: self.history.clone(),
            metrics: self.metrics.clone(),
            progress: self.progress.clone(),
        }
    }

    /// The driver ended by itself, which only a fault of ours makes it do: another one takes its place.
    fn start_again(&mut self) {
        self.polling = None;
        if self.shared.clock.now().since(self.started_at) > LASTING {
            self.start_failures = 0;
        }
        let text = "polling stopped unexpectedly";
        self.start_later(SourceError::new(SourceErrorKind::Fatal, text));
    }

    fn start_later(&mut self, error: SourceError) {
        self.start_failures = self.start_failures.saturating_add(1);
        let wait = Backoff::SOURCE.wait(self.start_failures, &mut self.random);
        self.start_at = Some(self.shared.clock.now() + wait);
        tracing::warn!(mapping = %self.mapping.uuid, %error, retry_in = ?wait, "cannot begin polling");
        self.progress
            .send_modify(|progress| progress.start_problem = Some(error.message));
    }

    /// Lets the driver finish what is in flight, within the engine's bound.
    async fn stop(&mut self) {
        self.start_at = None;
        self.start_failures = 0;
        self.stale = false;
        self.drain().await;
        self.progress.send_modify(|progress| {
            progress.activity = Activity::default();
            progress.start_problem = None;
        });
    }

    async fn drain(&mut self) {
        let Some(polling) = self.polling.take() else {
            return;
        };
        let bound: Duration = self.shared.options.drain_limit;
        if !polling.drain(bound).await {
            tracing::warn!(
                mapping = %self.mapping.uuid,
                ?bound,
                "batches still in flight are left to be delivered again"
            );
        }
    }
}

async fn ended(polling: Option<&Polling>) {
    match polling {
        Some(polling) => polling.ended().await,
        None => std::future::pending().await,
    }
}
