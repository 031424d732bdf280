//! Runs a load test.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use lambda_esm_core::lifecycle::State;
use lambda_esm_engine::Engine;
use lambda_esm_engine::ports::InvokeBackend;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep, timeout};

use super::arrivals::arrivals;
use super::observed::{Observed, Tally};
use super::open_loop::{Produced, produce};
use super::plan::LoadPlan;
use super::steady::{Window, is_steady};

/// How often it is looked how far things are.
const STEP: Duration = Duration::from_millis(200);
/// How long the windows are that are compared to see whether figures have settled, at least.
const SHORTEST_WINDOW: Duration = Duration::from_secs(1);
/// Into how many windows the time is cut that figures are taken.
const WINDOWS: u32 = 10;
/// How long mappings may take until they are enabled.
const BEGINNING: Duration = Duration::from_secs(60);

/// A load test: real sources, real functions, real time.
pub struct LoadTest {
    plan: LoadPlan,
    tally: Arc<Tally>,
}

/// How far a load test is.
#[derive(Clone, Copy, Debug)]
pub struct LoadProgress {
    /// Since the beginning.
    pub at: Duration,
    /// How long records arrive.
    pub of: Duration,
    /// Whether figures are taken by now.
    pub warm: bool,
    /// Records put.
    pub put: u64,
    /// Records processed.
    pub processed: u64,
    /// The age of the oldest record that is not processed.
    pub age: Duration,
}

/// What came of a load test.
#[derive(Clone, Debug)]
pub(super) struct Measured {
    pub(super) produced: Vec<Produced>,
    pub(super) windows: Vec<Window>,
    pub(super) most_age: Duration,
    pub(super) ran: Duration,
    pub(super) stopped: bool,
}

impl LoadTest {
    /// Returns a load test that has not begun.
    #[must_use]
    pub fn new(plan: LoadPlan) -> Self {
        let tally = Arc::new(Tally::new(plan.run.clone()));
        Self { plan, tally }
    }

    /// Returns a function that is looked at: mappings must call it in place of `backend`.
    #[must_use]
    pub fn observe(&self, backend: Arc<dyn InvokeBackend>) -> Arc<dyn InvokeBackend> {
        Arc::new(Observed::new(backend, self.tally.clone()))
    }

    /// Runs the test on an engine with running mappings. After `stop` no more records are put.
    ///
    /// # Errors
    /// Fails in words if the mappings do not begin.
    pub async fn run(
        &self,
        engine: &Engine,
        stop: watch::Receiver<bool>,
        progress: impl Fn(LoadProgress),
    ) -> Result<String, String> {
        enabled(engine).await?;
        let measured = self.measure(stop, progress).await;
        Ok(self.text(&measured))
    }

    async fn measure(
        &self,
        mut stop: watch::Receiver<bool>,
        progress: impl Fn(LoadProgress),
    ) -> Measured {
        let plan = &self.plan;
        let begin = Instant::now();
        self.tally.begin(begin);
        let end = begin + plan.arrivals();
        let mut producing = JoinSet::new();
        for (at, source) in plan.sources.iter().enumerate() {
            let Some(producer) = source.producer.clone() else {
                continue;
            };
            let records = arrivals(&source.workload, plan.arrivals());
            let (name, tally, stop) = (
                format!("{}-{at}", plan.run),
                self.tally.clone(),
                stop.clone(),
            );
            producing.spawn(async move {
                produce(producer, records, &name, (begin, end), tally, stop).await
            });
        }
        let window = (plan.duration / WINDOWS).max(SHORTEST_WINDOW);
        let mut measured = Measured {
            produced: Vec::new(),
            windows: Vec::new(),
            most_age: Duration::ZERO,
            ran: Duration::ZERO,
            stopped: false,
        };
        let mut ticks = interval(STEP);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut next_window = plan.warm_up + window;
        let mut processed_before = None;
        let mut last = None;
        loop {
            tokio::select! {
                part = producing.join_next(), if !producing.is_empty() => {
                    let part = part.and_then(Result::ok);
                    measured.produced.extend(part);
                    continue;
                }
                _ = ticks.tick() => {}
            }
            let now = begin.elapsed();
            let seen = self.tally.seen();
            let (age, open) = (seen.age(now), seen.open());
            progress(LoadProgress {
                at: now,
                of: plan.arrivals(),
                warm: now >= plan.warm_up,
                put: seen.put,
                processed: seen.processed,
                age,
            });
            if now >= plan.warm_up {
                measured.most_age = measured.most_age.max(age);
                let before = *processed_before.get_or_insert(seen.processed);
                if now >= next_window && now <= plan.arrivals() + STEP {
                    next_window += window;
                    processed_before = Some(seen.processed);
                    measured.windows.push(Window {
                        processed: seen.processed - before,
                        age,
                    });
                }
            }
            drop(seen);
            if producing.is_empty() {
                let ended = *last.get_or_insert(now);
                if open == 0 || now >= ended + plan.drain {
                    break;
                }
            }
        }
        measured.ran = begin.elapsed();
        measured.stopped = *stop.borrow_and_update();
        measured
    }

    fn text(&self, measured: &Measured) -> String {
        let seen = self.tally.seen();
        let mut latencies: Vec<_> = seen
            .latencies
            .iter()
            .filter(|(due, _)| *due >= self.plan.warm_up)
            .map(|(_, latency)| *latency)
            .collect();
        latencies.sort_unstable();
        let at = |share: f64| {
            let place = (latencies.len() as f64 * share) as usize;
            latencies.get(place.min(latencies.len().saturating_sub(1)))
        };
        format!(
            "put {}, processed {}, open {}, repeats {}, strangers {}\n\
             invocations {}, errors {}, most at a time {}, batch sizes {:?}\n\
             p50 {:?}, p99 {:?}, oldest {:?}, steady {}, ran {:?}\n{}",
            seen.put,
            seen.processed,
            seen.open(),
            seen.repeats,
            seen.strangers(),
            seen.invocations,
            seen.errors,
            seen.most_running,
            seen.batch_sizes,
            at(0.5),
            at(0.99),
            measured.most_age,
            is_steady(&measured.windows),
            measured.ran,
            measured
                .produced
                .iter()
                .map(|part| format!(
                    "due {}, put {}, refused {}, unsent {} {:?}",
                    part.due, part.put, part.refused, part.unsent, part.problem
                ))
                .collect::<Vec<_>>()
                .join("\n")
        )
    }
}

/// Waits until all mappings that are to run do so.
async fn enabled(engine: &Engine) -> Result<(), String> {
    let pending = || {
        let status = engine.status().into_iter();
        status
            .filter(|each| !matches!(each.state, State::Enabled | State::Disabled))
            .map(|each| {
                let problem = each
                    .problem
                    .unwrap_or_else(|| format!("it is {:?}", each.state));
                format!("the mapping of {} is not there yet: {problem}", each.source)
            })
            .next()
    };
    let all = async {
        while pending().is_some() {
            sleep(STEP).await;
        }
    };
    match timeout(BEGINNING, all).await {
        Ok(()) => Ok(()),
        Err(_) => Err(pending().unwrap_or_default()),
    }
}

impl fmt::Debug for LoadTest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LoadTest")
            .field("plan", &self.plan)
            .finish_non_exhaustive()
    }
}
