//! The supervisor of one mapping: its life from `Creating` to gone, and its driver while it polls.

use std::mem::take;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use lambda_esm_core::Timestamp;
use lambda_esm_core::activity::Activity;
use lambda_esm_core::backoff::{Backoff, Random};
use lambda_esm_core::fault::{
    InvokeError, InvokeErrorKind, ReasonCode, SourceError, SourceErrorKind,
};
use lambda_esm_core::lifecycle::State;
use lambda_esm_core::mapping::{ApiError, Mapping, check_function_timeout};
use tokio::sync::{Notify, mpsc};
use tokio::time::timeout;

use crate::function_concurrency::Limiter;
use crate::polling::{self, FoundSource, Polling, Reconfigured, Settings};
use crate::ports::FunctionFacts;
use crate::reporter::Reporter;
use crate::shared::Shared;

/// How long source and function may take to say what they are. Those that do not answer in time are asked again
/// later, like those that fail.
const ANSWER_LIMIT: Duration = Duration::from_secs(30);

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

/// What a mapping disables itself with, for the reason given: it is durable once this has succeeded.
pub(crate) type Disabling =
    Box<dyn Fn(String) -> BoxFuture<'static, Result<Arc<Mapping>, ApiError>> + Send + Sync>;

pub(crate) struct Supervisor {
    shared: Arc<Shared>,
    mapping: Arc<Mapping>,
    reporter: Reporter,
    phase: Phase,
    /// Told when source or function may have changed.
    facts_changed: Arc<Notify>,
    disabling: Disabling,
    /// When to try again to disable the mapping, which could not be kept.
    disable_at: Timestamp,
    /// What the function said about itself when it could last be asked.
    function: FunctionFacts,
    /// How often in a row polling could not begin, or ended soon.
    failures: u32,
    random: Random,
}

/// Where a mapping stands between its orders. Its lifecycle, which others see, is in its progress.
#[derive(Default)]
enum Phase {
    /// Nothing polls. Polling begins as soon as the lifecycle says so.
    #[default]
    Idle,
    /// Polling could not begin, and is tried again.
    Waiting { until: Timestamp },
    /// A driver is at work.
    Polling {
        polling: Box<dyn Polling>,
        since: Timestamp,
        /// Whether the driver has yet to hear of new settings or facts.
        is_stale: bool,
        /// Whether its source may be another one by now.
        may_have_moved: bool,
    },
}

/// What is to be done next, apart from waiting.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Next {
    Nothing,
    /// Begin to poll.
    Begin,
    /// Tell the driver the new settings.
    Renew,
}

impl Phase {
    /// The mapping has new settings.
    fn update(&mut self) {
        match self {
            Self::Idle => {}
            // They may be what was missing.
            Self::Waiting { .. } => *self = Self::Idle,
            Self::Polling { is_stale, .. } => *is_stale = true,
        }
    }

    /// The mapping's source or its function may have changed.
    fn facts_changed(&mut self) {
        self.update();
        if let Self::Polling { may_have_moved, .. } = self {
            *may_have_moved = true;
        }
    }

    /// `polls` is what the lifecycle says.
    fn next(&self, polls: bool, now: Timestamp) -> Next {
        match self {
            Self::Idle if polls => Next::Begin,
            Self::Waiting { until } if polls && *until <= now => Next::Begin,
            Self::Polling { is_stale: true, .. } => Next::Renew,
            _ => Next::Nothing,
        }
    }

    /// Returns when there is something to do, if it is not yet.
    fn next_deadline(&self, now: Timestamp) -> Option<Timestamp> {
        match self {
            Self::Waiting { until } if *until > now => Some(*until),
            _ => None,
        }
    }

    const fn polling(&self) -> Option<&dyn Polling> {
        match self {
            Self::Polling { polling, .. } => Some(&**polling),
            _ => None,
        }
    }

    /// Waits until the driver has ended by itself; for ever if there is none.
    async fn ended(&self) {
        match self.polling() {
            Some(polling) => polling.ended().await,
            None => std::future::pending().await,
        }
    }
}

impl Supervisor {
    pub(crate) fn new(
        shared: Arc<Shared>,
        mapping: Arc<Mapping>,
        reporter: Reporter,
        facts_changed: Arc<Notify>,
        disabling: Disabling,
    ) -> Self {
        // Not the mapping's own UUID: what is drawn must be new after a restart too.
        let seed = shared.fresh.seed();
        Self {
            shared,
            mapping,
            reporter,
            phase: Phase::default(),
            facts_changed,
            disabling,
            disable_at: Timestamp::default(),
            function: FunctionFacts::default(),
            failures: 0,
            random: Random::new(seed),
        }
    }

    /// Runs until the mapping is deleted or the engine goes. A panic, which only a fault of ours can be,
    /// ends polling: a mapping that is there begins again.
    pub(crate) async fn live(mut self, mut orders: mpsc::Receiver<Order>) {
        loop {
            let ended = AssertUnwindSafe(self.run(&mut orders)).catch_unwind().await;
            let state = self.reporter.progress.borrow().lifecycle.state();
            if ended.is_ok() || state == State::Deleting {
                return;
            }
            self.driver_ended();
        }
    }

    /// An order interrupts whatever is being asked of the outside, which may take long to answer.
    async fn run(&mut self, orders: &mut mpsc::Receiver<Order>) {
        loop {
            self.advance().await;
            let clock = self.shared.clock;
            let now = clock.now();
            let lifecycle = self.reporter.progress.borrow().lifecycle;
            let next = self.phase.next(lifecycle.polls(), now);
            let deadlines = [lifecycle.next_deadline(), self.phase.next_deadline(now)];
            let wake = async {
                match deadlines.into_iter().flatten().min() {
                    Some(deadline) => clock.sleep_until(deadline).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                biased;
                order = orders.recv() => match order {
                    Some(Order::Update(mapping)) => {
                        if mapping.function != self.mapping.function {
                            self.function = FunctionFacts::default();
                        }
                        self.mapping = mapping;
                        self.phase.update();
                    }
                    Some(Order::Delete) | None => {
                        self.stop().await;
                        return;
                    }
                },
                // What is being asked now may know of it already, and is not interrupted again and again: it is
                // asked once more.
                () = self.facts_changed.notified(), if next == Next::Nothing => {
                    self.phase.facts_changed();
                }
                (function, source) = self.ask(), if next == Next::Begin => self.begin(function, source),
                (function, source) = self.ask_again(), if next == Next::Renew => {
                    self.renew(function, source).await;
                }
                () = self.phase.ended() => self.driver_ended(),
                because = self.halted() => drop(self.disable(because).await),
                () = wake => {}
            }
        }
    }

    /// Waits until nothing of the source is left to do, though the mapping is enabled: its next records are lost, and what
    /// was read before is settled. Returns why.
    async fn halted(&self) -> String {
        self.shared.clock.sleep_until(self.disable_at).await;
        loop {
            if let Some(because) = self.reporter.halted() {
                return because;
            }
            self.reporter.halts.notified().await;
        }
    }

    /// Disables the mapping for good, and tells whether that is durable. Otherwise it is tried again.
    async fn disable(&mut self, because: String) -> bool {
        match (self.disabling)(because.clone()).await {
            Ok(mapping) => {
                tracing::warn!(mapping = %mapping.uuid, because, "has disabled itself");
                self.mapping = mapping;
                true
            }
            Err(error) => {
                self.failures = self.failures.saturating_add(1);
                let wait = Backoff::SOURCE.wait(self.failures, &mut self.random);
                self.disable_at = self.shared.clock.now() + wait;
                tracing::warn!(mapping = %self.mapping.uuid, %error, retry_in = ?wait, "cannot be disabled");
                false
            }
        }
    }

    /// Moves on to the state whose time has come, and ends polling on the way to `Disabled`.
    async fn advance(&mut self) {
        let state = self.reporter.progress.borrow().lifecycle.state();
        if state == State::Disabling {
            self.stop().await;
        }
        let now = self.shared.clock.now();
        self.reporter
            .progress
            .send_if_modified(|progress| progress.lifecycle.advance(now));
    }

    /// Asks function and source for what the rules need to know. What is not known of the function now is left
    /// open.
    async fn ask(
        &self,
    ) -> (
        Option<FunctionFacts>,
        Result<Box<dyn FoundSource>, SourceError>,
    ) {
        let asking = async {
            match self.describe_function().await {
                // Nothing was invoked: the backend itself is broken.
                Err(error) if error.kind == InvokeErrorKind::Function => {
                    let source = SourceError::new(SourceErrorKind::Fatal, error.message);
                    (None, Err(source))
                }
                function => {
                    let source = polling::find(&self.shared, &self.mapping).await;
                    (function.ok(), source)
                }
            }
        };
        timeout(ANSWER_LIMIT, asking).await.unwrap_or_else(|_| {
            let text = format!(
                "neither source nor function said what they are within {} s",
                ANSWER_LIMIT.as_secs()
            );
            (
                None,
                Err(SourceError::new(SourceErrorKind::Transient, text)),
            )
        })
    }

    /// Asks both again, on behalf of a driver at work. What the source said before holds if it does not answer. Fails
    /// if there is no such source any more.
    async fn ask_again(&self) -> (Option<FunctionFacts>, Result<(), SourceError>) {
        let asking = async {
            let function = self.describe_function().await;
            let is_broken =
                matches!(&function, Err(error) if error.kind == InvokeErrorKind::Function);
            let source = match &self.phase {
                Phase::Polling { .. } if is_broken => Ok(()),
                Phase::Polling {
                    polling,
                    may_have_moved: true,
                    ..
                } => polling.look_up_again(&self.shared, &self.mapping).await,
                Phase::Polling { polling, .. } => {
                    polling.ask_again().await;
                    Ok(())
                }
                Phase::Idle | Phase::Waiting { .. } => Ok(()),
            };
            (function.ok(), source)
        };
        let unanswered = |_| (None, Ok(()));
        timeout(ANSWER_LIMIT, asking)
            .await
            .unwrap_or_else(unanswered)
    }

    async fn describe_function(&self) -> Result<FunctionFacts, InvokeError> {
        self.shared.backend.describe(&self.mapping.function).await
    }

    /// Begins to poll what was found.
    fn begin(
        &mut self,
        function: Option<FunctionFacts>,
        source: Result<Box<dyn FoundSource>, SourceError>,
    ) {
        let seed = self.random.next_u64();
        let reporter = self.reporter.clone();
        // Held until the driver holds it too, so that it does not forget what it is told here.
        let _limiter = self.learn(function);
        let settings = self.settings();
        match self
            .function_fits()
            .and(source)
            .and_then(|source| source.poll(&settings, seed, reporter))
        {
            Ok(polling) => {
                self.phase = Phase::Polling {
                    polling,
                    since: self.shared.clock.now(),
                    is_stale: false,
                    may_have_moved: false,
                };
                self.reporter
                    .progress
                    .send_modify(|progress| progress.start_problem = None);
            }
            Err(error) => self.begin_later(error),
        }
    }

    /// Tells the driver the new settings; they may ask for another one. Without its source, or with a function that does
    /// not fit, it ends.
    async fn renew(&mut self, function: Option<FunctionFacts>, source: Result<(), SourceError>) {
        if let Phase::Polling {
            is_stale,
            may_have_moved,
            ..
        } = &mut self.phase
        {
            (*is_stale, *may_have_moved) = (false, false);
        }
        let _limiter = self.learn(function);
        if let Err(error) = self.function_fits().and(source) {
            self.drain().await;
            self.begin_later(error);
            return;
        }
        let Some(polling) = self.phase.polling() else {
            return;
        };
        match polling.reconfigure(&self.settings()).await {
            Reconfigured::Done => {}
            Reconfigured::Ended => self.phase = Phase::Idle,
            Reconfigured::NeedsRestart => self.drain().await,
        }
    }

    /// Takes what the function says about itself; what it said before holds if it cannot be asked.
    fn learn(&mut self, function: Option<FunctionFacts>) -> Arc<Limiter> {
        let limiter = self.shared.limiters.of(self.mapping.function.name());
        if let Some(function) = function {
            limiter.set_known(function.concurrency);
            self.function = function;
        }
        limiter
    }

    /// Fails if the function may take longer than its source allows, as far as that is known.
    fn function_fits(&self) -> Result<(), SourceError> {
        let Some(timeout) = self.function.timeout else {
            return Ok(());
        };
        check_function_timeout(&self.mapping, timeout, None).map_err(|error| {
            let error = SourceError::new(SourceErrorKind::Fatal, error.message);
            error.with_reason(ReasonCode::FunctionConfigNotValid)
        })
    }

    fn settings(&self) -> Settings<'_> {
        Settings {
            shared: &self.shared,
            mapping: &self.mapping,
            function: self.function,
        }
    }

    /// The driver ended by itself, which only a fault of ours makes it do: another one takes its place.
    fn driver_ended(&mut self) {
        if let Phase::Polling { since, .. } = take(&mut self.phase)
            && self.shared.clock.now().since(since) > LASTING
        {
            self.failures = 0;
        }
        let text = "polling stopped unexpectedly";
        self.begin_later(SourceError::new(SourceErrorKind::Fatal, text));
    }

    fn begin_later(&mut self, error: SourceError) {
        self.failures = self.failures.saturating_add(1);
        let wait = Backoff::SOURCE.wait(self.failures, &mut self.random);
        self.phase = Phase::Waiting {
            until: self.shared.clock.now() + wait,
        };
        tracing::warn!(mapping = %self.mapping.uuid, %error, retry_in = ?wait, "cannot begin polling");
        let halted = (error.kind == SourceErrorKind::Unsupported).then(|| match error.reason {
            Some(code) => format!("{}: {error}", code.as_str()),
            None => error.to_string(),
        });
        self.reporter.progress.send_modify(|progress| {
            progress.activity.halted = halted;
            progress.start_problem = Some(error);
        });
    }

    /// Lets the driver finish what is in flight, within the engine's bound.
    async fn stop(&mut self) {
        self.drain().await;
        self.failures = 0;
        let counts = self.reporter.metrics.counts();
        self.reporter.progress.send_modify(|progress| {
            progress.activity = Activity::default();
            progress.counts = counts;
            progress.start_problem = None;
        });
    }

    async fn drain(&mut self) {
        let halted = self.reporter.progress.borrow().activity.halted.clone();
        if let Some(because) = halted
            && self.mapping.disabled_because.is_none()
            && !self.disable(because).await
        {
            // Nothing may be kept of what is left out before it is durable that the mapping is disabled for it.
            self.phase = Phase::Idle;
            return;
        }
        let Phase::Polling { polling, .. } = take(&mut self.phase) else {
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
