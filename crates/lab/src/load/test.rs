//! Runs a load test.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use lambda_esm_core::Timestamp;
use lambda_esm_core::lifecycle::State;
use lambda_esm_engine::ports::{InvokeBackend, SourceProvider};
use lambda_esm_engine::{Clock, Engine, Event};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval_at, sleep, timeout};
use uuid::Uuid;

use super::calls::{CallBook, Calls, CountedSources};
use super::identity::RealNames;
use super::keys::Keyed;
use super::open_loop::{Due, Produced, Wish, produce};
use super::phase::{Phases, enter};
use super::plan::LoadPlan;
use super::scale::scaled;
use super::steady::Window;
use crate::arrivals::{Arrival, Records};
use crate::recorder::{Observed, Recorded, Recorder, kind_of};
use crate::scenario::Source;
use crate::simulation::roster;

/// How often ages and backlogs are looked at.
const TICK: Duration = Duration::from_secs(1);
/// How often it is looked whether all is processed, and whether mappings have begun.
const STEP: Duration = Duration::from_millis(50);
/// Into how many windows the time is cut that figures are taken, of a second at least.
const WINDOWS: u32 = 10;
/// How long mappings may take until they are enabled.
const BEGINNING: Duration = Duration::from_secs(60);

/// A load test: real sources, real functions, real time.
pub struct LoadTest {
    pub(super) plan: LoadPlan,
    pub(super) clock: Clock,
    pub(super) names: Arc<RealNames>,
    calls: Arc<CallBook>,
    /// By mapping.
    pub(super) uuids: Vec<Uuid>,
    pub(super) recorder: Arc<Recorder>,
}

/// How far a load test is.
#[derive(Clone, Copy, Debug)]
pub struct LoadProgress {
    /// How many times as many records arrive as the scenario says.
    pub factor: f64,
    /// Since the beginning.
    pub at: Duration,
    /// How long records arrive.
    pub of: Duration,
    /// Whether figures are taken by now.
    pub is_warm: bool,
    /// Records that arrived, since the beginning or the end of the warm-up.
    pub arrived: u64,
    /// Of these, how many are not settled.
    pub open: u64,
}

/// What was measured.
pub(super) struct Measured {
    /// What was recorded after the warm-up.
    pub(super) recorded: Recorded,
    /// By source, what was put, with the warm-up; `None` where others put.
    pub(super) produced: Vec<Option<Produced>>,
    /// By source, bytes of payloads after the warm-up.
    pub(super) bytes: Vec<u64>,
    /// By source, what it was asked after the warm-up.
    pub(super) calls: Vec<Calls>,
    /// By source, records of others.
    pub(super) strangers: Vec<u64>,
    /// By source, records that did not arrive after the warm-up, and have been seen.
    pub(super) unarrived: Vec<u64>,
    pub(super) windows: Vec<Window>,
    /// When figures began.
    pub(super) begins: Timestamp,
    /// How long records arrived, after the warm-up.
    pub(super) arrivals: Duration,
    /// How long it went on in all, after the warm-up.
    pub(super) ran: Duration,
    /// Whether it was ended before its time.
    pub(super) is_cut_short: bool,
    /// Records that were not settled in time.
    pub(super) open: u64,
}

impl LoadTest {
    /// Returns a load test that has not begun. The engine must have the same clock.
    #[must_use]
    pub fn new(plan: LoadPlan, clock: Clock) -> Self {
        let scenario = &plan.scenario;
        let sources = scenario.sources.iter();
        let sources = sources.map(|source| (kind_of(&source.kind), source.arn.clone()));
        let names = Arc::new(RealNames::new(sources));
        let recorder = Recorder::new(clock, Arc::new(roster(scenario)), names.clone());
        let arns = scenario.sources.iter().map(|source| source.arn.clone());
        Self {
            clock,
            names,
            calls: Arc::new(CallBook::new(arns)),
            uuids: vec![Uuid::nil(); scenario.mappings.len()],
            recorder: Arc::new(recorder),
            plan,
        }
    }

    /// Returns what must hear of all decisions of the engine.
    pub fn observer(&self) -> impl Fn(&Event) + Send + Sync + 'static {
        let recorder = self.recorder.clone();
        move |event| recorder.decided(event)
    }

    /// Returns a function that is looked at: mappings must call it in place of `backend`.
    #[must_use]
    pub fn observe(&self, backend: Arc<dyn InvokeBackend>) -> Arc<dyn InvokeBackend> {
        let observed = Observed::new(backend, self.recorder.clone());
        Arc::new(Keyed::new(
            observed,
            self.plan.run.clone(),
            self.names.clone(),
        ))
    }

    /// Returns a provider of the same sources, whose calls are counted.
    pub fn count(&self) -> impl Fn(Arc<dyn SourceProvider>) -> Arc<dyn SourceProvider> + 'static {
        let book = self.calls.clone();
        move |provider| {
            let book = book.clone();
            Arc::new(CountedSources { provider, book })
        }
    }

    /// Says which UUID a mapping has that the engine runs; the place is that in the scenario.
    pub fn assign(&mut self, uuid: Uuid, mapping: usize) {
        if let Some(place) = self.uuids.get_mut(mapping) {
            *place = uuid;
        }
        self.recorder.assign(uuid, mapping);
    }

    /// Waits until all mappings that are to run do so.
    ///
    /// # Errors
    /// Fails in words if one does not begin.
    pub async fn begin(&self, engine: &Engine) -> Result<(), String> {
        let pending = || {
            let mut status = engine.status().into_iter();
            let pending = |state| !matches!(state, State::Enabled | State::Disabled);
            status.find(|each| pending(each.state)).map(|each| {
                let state = || format!("it is {:?}", each.state);
                let why = each.problem.clone().unwrap_or_else(state);
                format!("the mapping of {} does not begin: {why}", each.source)
            })
        };
        let all = async {
            while pending().is_some() {
                sleep(STEP).await;
            }
        };
        match timeout(BEGINNING, all).await {
            Ok(()) => Ok(()),
            Err(_) => pending().map_or(Ok(()), Err),
        }
    }

    /// Puts records, `factor` times as many as the scenario says, and measures what becomes of them. `phase` is that of the
    /// warm-up; the next one is taken, too.
    pub(super) async fn measure(
        &self,
        factor: f64,
        phase: u32,
        mut wish: watch::Receiver<Wish>,
        progress: &dyn Fn(LoadProgress),
    ) -> Measured {
        let scenario = &self.plan.scenario;
        let (of, warm_up) = (scenario.duration, self.plan.warm_up);
        enter(&self.recorder, &self.names, &self.calls, phase);
        self.recorder.begin();
        let (begin, begins) = (Instant::now(), self.clock.now());
        let mut producing = JoinSet::new();
        let mut sources = Vec::new();
        for (place, source) in scenario.sources.iter().enumerate() {
            let phases = Arc::new(Phases {
                recorder: self.recorder.clone(),
                names: self.names.clone(),
                calls: self.calls.clone(),
                source: place,
                begins,
                warm_up,
                first: phase,
                bytes: AtomicU64::new(0),
            });
            sources.push(phases.clone());
            let Some(Some(producer)) = self.plan.producers.get(place).cloned() else {
                continue;
            };
            let source = Source {
                workload: scaled(&source.workload, factor),
                ..source.clone()
            };
            let records = Records::new(scenario, &source, true).map(due);
            let name = format!("{}-{phase}-{place}", self.plan.run);
            let (span, wish) = ((begin, begin + of), wish.clone());
            producing.spawn(async move {
                (
                    place,
                    produce(producer, records, &name, span, phases, wish).await,
                )
            });
        }
        let mut produced: Vec<_> = scenario.sources.iter().map(|_| None).collect();
        let mut windows = Windows::new(warm_up, of - warm_up);
        let mut ticks = interval_at(begin + TICK, TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut drained_by = None;
        loop {
            tokio::select! {
                part = producing.join_next(), if !producing.is_empty() => {
                    if let Some(Ok((place, part))) = part {
                        produced[place] = Some(part);
                    }
                }
                _ = ticks.tick() => self.recorder.sample(),
                () = sleep(STEP) => {}
                _ = wish.wait_for(|wish| *wish == Wish::End) => break,
            }
            let at = begin.elapsed();
            let is_warm = at >= warm_up;
            if is_warm {
                enter(&self.recorder, &self.names, &self.calls, phase + 1);
            }
            let open = self.open();
            let (arrived, _) = self.recorder.totals();
            progress(LoadProgress {
                factor,
                at,
                of,
                is_warm,
                arrived,
                open,
            });
            windows.look(at, || Window {
                processed: arrived.saturating_sub(open),
                age: self.age(),
            });
            // Where others put records, it goes on as long as it is to.
            let is_over = producing.is_empty()
                && (at >= of || *wish.borrow() > Wish::GoOn || self.puts_all());
            if is_over {
                let until = *drained_by.get_or_insert(at + scenario.drain);
                if open == 0 && !self.recorder.is_busy() || at >= until {
                    break;
                }
            }
        }
        let is_cut_short = *wish.borrow() > Wish::GoOn;
        // What is left of a test that ended during its warm-up are figures of that.
        let begins = self.recorder.begins();
        let ran = self.clock.now().since(begins);
        let open = self.open();
        let strangers = (0..sources.len()).map(|source| self.names.strangers(source));
        let unarrived = (0..sources.len()).map(|source| self.names.unarrived(source));
        Measured {
            strangers: strangers.collect(),
            unarrived: unarrived.collect(),
            recorded: self.recorder.finish(|_| None),
            calls: self.calls.take(),
            bytes: sources
                .iter()
                .map(|each| each.bytes.load(Ordering::Relaxed))
                .collect(),
            produced,
            windows: windows.seen,
            begins,
            arrivals: ran.min(of - warm_up),
            ran,
            is_cut_short,
            open,
        }
    }

    fn puts_all(&self) -> bool {
        self.plan.producers.iter().all(Option::is_some)
    }

    /// Returns how many records were put and are not settled. Those of others, which are settled and never arrived, do not
    /// make it less.
    fn open(&self) -> u64 {
        let mappings = self.plan.scenario.mappings.iter().enumerate();
        let open = mappings.map(|(place, plan)| {
            let arrived = self.recorder.arrived_at(plan.source) + self.names.unarrived(plan.source);
            arrived.saturating_sub(self.recorder.settled_by(place).0)
        });
        open.sum()
    }

    /// Returns how long the oldest record waits.
    fn age(&self) -> Duration {
        let mappings = 0..self.plan.scenario.mappings.len();
        let oldest = mappings
            .filter_map(|place| self.recorder.settled_by(place).1)
            .min();
        oldest.map_or(Duration::ZERO, |oldest| self.clock.now().since(oldest))
    }
}

fn due(arrival: Arrival) -> Due {
    Due {
        at: Duration::from_millis(arrival.at_ms),
        key: arrival.key.name,
        payload: arrival.payload,
    }
}

/// Cuts the time in which figures are taken into windows.
struct Windows {
    length: Duration,
    next: Duration,
    until: Duration,
    before: Option<Window>,
    seen: Vec<Window>,
}

impl Windows {
    fn new(from: Duration, length: Duration) -> Self {
        let one = (length / WINDOWS).max(TICK);
        Self {
            length: one,
            next: from,
            until: from + length + TICK / 2,
            before: None,
            seen: Vec::new(),
        }
    }

    /// Takes what there is at the end of a window; `now` counts from the beginning of figures.
    fn look(&mut self, at: Duration, now: impl FnOnce() -> Window) {
        if at < self.next || at > self.until {
            return;
        }
        self.next += self.length;
        let now = now();
        if let Some(before) = self.before.replace(now) {
            self.seen.push(Window {
                processed: now.processed.saturating_sub(before.processed),
                ..now
            });
        }
    }
}

impl fmt::Debug for LoadTest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LoadTest")
            .field("plan", &self.plan)
            .finish_non_exhaustive()
    }
}
