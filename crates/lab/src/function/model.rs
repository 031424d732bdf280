//! A function without code, which behaves as its scenario says.

use std::fmt::Write as _;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use lambda_esm_core::Timestamp;
use lambda_esm_core::fault::{InvokeError, InvokeErrorKind};
use lambda_esm_core::mapping::FunctionRef;
use lambda_esm_core::pacing::Pacing;
use lambda_esm_engine::Clock;
use lambda_esm_engine::ports::{FunctionFacts, InvokeAnswer, InvokeBackend, InvokeRequest};

use super::behaviour::Behaviour;
use super::environments::{Environment, Environments};
use super::other_load::Others;
use crate::arrivals::{Chance, mix};
use crate::recorder::{
    Identity, MappingSpec, NamedRecord, RecordId, Roster, count_records, find_records,
};
use crate::scenario::{Function, FunctionChange, Scenario};

/// The end of an event of a tumbling window, and of no other.
const WINDOW_ENDS: [&[u8]; 2] = [
    b"\"isWindowTerminatedEarly\":false}",
    b"\"isWindowTerminatedEarly\":true}",
];

/// What only the function itself can tell.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct FunctionStats {
    pub(crate) cold_starts: u64,
    pub(crate) other_throttles: u64,
    pub(crate) max_concurrency: u64,
}

/// A function of a scenario. Clones share it.
#[derive(Clone)]
pub(crate) struct FunctionModel {
    shared: Arc<Shared>,
}

struct Shared {
    clock: Clock,
    pacing: Pacing,
    roster: Arc<Roster>,
    identity: Arc<dyn Identity>,
    /// Decides which records are poison.
    poison: u64,
    /// By source, whether a failed message holds up those after it.
    fifo: Vec<bool>,
    state: Mutex<State>,
}

struct State {
    begins: Timestamp,
    behaviour: Behaviour,
    environments: Environments,
    others: Others,
    running: u64,
    stats: FunctionStats,
    durations: Chance,
    errors: Chance,
    throttles: Chance,
    records: Chance,
    other_durations: Chance,
}

/// What chance has decided for one invocation.
struct Fate {
    environment: Environment,
    cold_start: Duration,
    runs: Duration,
    timeout: Duration,
    fails: bool,
    /// The records that fail, by place in the event.
    failing: Vec<usize>,
}

/// An invocation that runs; it gives its environment back when it is dropped.
struct Running<'a> {
    shared: &'a Shared,
    environment: Environment,
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        let now = self.shared.clock.now();
        let mut state = self.shared.lock();
        state.advance(now);
        state.running -= 1;
        state.environments.give_back(self.environment, now);
    }
}

impl FunctionModel {
    pub(crate) fn new(
        scenario: &Scenario,
        function: &Function,
        clock: Clock,
        roster: Arc<Roster>,
        identity: Arc<dyn Identity>,
        fifo: Vec<bool>,
    ) -> Self {
        let chance = |what: &str| Chance::new(scenario.seed, &format!("{what} {}", function.name));
        let state = State {
            begins: scenario.begins,
            behaviour: Behaviour::new(function),
            environments: Environments::new(function.environment_lifetime),
            others: Others::new(&function.other_load, chance("others")),
            running: 0,
            stats: FunctionStats::default(),
            durations: chance("durations"),
            errors: chance("errors"),
            throttles: chance("throttles"),
            records: chance("failing records"),
            other_durations: chance("durations of others"),
        };
        Self {
            shared: Arc::new(Shared {
                clock,
                pacing: scenario.pacing,
                roster,
                identity,
                poison: chance("poison").next_u64(),
                fifo,
                state: Mutex::new(state),
            }),
        }
    }

    /// The scenario begins now.
    pub(crate) fn begin(&self) {
        self.shared.lock().begins = self.shared.clock.now();
    }

    pub(crate) fn change(&self, change: &FunctionChange) {
        let now = self.shared.clock.now();
        let mut state = self.shared.lock();
        state.advance(now);
        state.behaviour.change(change);
        if change.cold {
            state.environments.replace();
        }
    }

    pub(crate) fn stats(&self) -> FunctionStats {
        let now = self.shared.clock.now();
        let mut state = self.shared.lock();
        state.advance(now);
        FunctionStats {
            other_throttles: state.others.throttles,
            ..state.stats
        }
    }
}

impl State {
    /// Brings the invocations of others up to now.
    fn advance(&mut self, now: Timestamp) {
        let now = now.since(self.begins).as_micros() as u64;
        let Self {
            behaviour,
            others,
            running,
            stats,
            other_durations,
            ..
        } = self;
        let reserved = behaviour.reserved_concurrency.map_or(u64::MAX, u64::from);
        let timeout = behaviour.timeout.as_secs_f64();
        others.advance(
            now,
            reserved.saturating_sub(*running),
            || behaviour.duration.draw(other_durations).min(timeout),
            |others| stats.max_concurrency = stats.max_concurrency.max(*running + others),
        );
    }

    fn is_full(&self) -> bool {
        let reserved = self.behaviour.reserved_concurrency.map(u64::from);
        reserved.is_some_and(|reserved| self.running + self.others.running() >= reserved)
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins an invocation of so many records; `ids` are theirs where they matter.
    fn begin(
        &self,
        records: u64,
        ids: &[Option<RecordId>],
        source: usize,
    ) -> Result<Fate, InvokeError> {
        let now = self.clock.now();
        let mut state = self.lock();
        state.advance(now);
        let state = &mut *state;
        let throttled = state.throttles.happens(state.behaviour.throttle_rate);
        if throttled || state.is_full() {
            let kind = InvokeErrorKind::throttled(None);
            return Err(InvokeError::new(kind, "Rate Exceeded."));
        }
        let behaviour = &state.behaviour;
        let environment = state.environments.take(now);
        let mut cold_start = 0.0;
        if environment.is_new {
            state.stats.cold_starts += 1;
            cold_start = behaviour.cold_start.draw(&mut state.durations);
        }
        let mut runs = behaviour.duration.draw(&mut state.durations);
        for _ in 0..records {
            runs += behaviour.per_record.draw(&mut state.durations);
        }
        let fails = state.errors.happens(behaviour.error_rate);
        let mut failing = Vec::new();
        for (place, id) in ids.iter().enumerate() {
            let fails = state.records.happens(behaviour.record_error_rate);
            let is_poison = id.is_some_and(|id| self.is_poison(source, id, behaviour.poison_rate));
            if fails || is_poison {
                failing.push(place);
            }
        }
        state.running += 1;
        let running = state.running + state.others.running();
        state.stats.max_concurrency = state.stats.max_concurrency.max(running);
        Ok(Fate {
            environment,
            cold_start: seconds(cold_start),
            runs: seconds(runs),
            timeout: behaviour.timeout,
            fails,
            failing,
        })
    }

    /// Tells whether a record fails whenever it comes.
    fn is_poison(&self, source: usize, id: RecordId, share: f64) -> bool {
        let place = mix(
            self.poison ^ source as u64,
            u64::from(id.lane) << 48 ^ id.index,
        );
        ((place >> 11) as f64 / (1_u64 << 53) as f64) < share
    }
}

#[async_trait]
impl InvokeBackend for FunctionModel {
    async fn invoke(&self, request: InvokeRequest) -> Result<InvokeAnswer, InvokeError> {
        let shared = &*self.shared;
        let mapping = shared.roster.place(request.mapping);
        let spec = mapping.and_then(|mapping| {
            let look = |spec: &MappingSpec| (spec.source, spec.reports_failures);
            shared.roster.with(mapping, look)
        });
        let source = spec.map_or(usize::MAX, |(source, _)| source);
        let kind = shared.roster.sources.get(source).map(|source| source.kind);
        let looks = shared.lock().behaviour.looks_at_records();
        let mut names = Vec::new();
        if let Some(kind) = kind.filter(|_| looks) {
            find_records(kind, &request.payload, |name| names.push(name));
        }
        let records = match kind {
            Some(_) if looks => names.len() as u64,
            Some(kind) => count_records(kind, &request.payload),
            None => 0,
        };
        let ids = names
            .iter()
            .map(|name| shared.identity.record(source, *name));
        let ids: Vec<_> = ids.collect();
        let fate = shared.begin(records, &ids, source)?;
        let running = Running {
            shared,
            environment: fate.environment,
        };
        let timed_out = fate.runs >= fate.timeout;
        let takes = fate.cold_start + fate.runs.min(fate.timeout);
        if !takes.is_zero() {
            tokio::time::sleep(takes).await;
        }
        drop(running);
        if timed_out {
            let timeout = fate.timeout.as_secs_f64();
            let text = format!("Task timed out after {timeout:.2} seconds");
            return Err(InvokeError::function(text));
        }
        if fate.fails {
            return Err(InvokeError::function("the function has failed"));
        }
        let reports = spec.is_some_and(|(_, reports)| reports);
        if !fate.failing.is_empty() && !reports {
            let text = format!("{} of {records} records failed", fate.failing.len());
            return Err(InvokeError::function(text));
        }
        let is_fifo = shared.fifo.get(source).copied().unwrap_or_default();
        let failing = match fate.failing.first() {
            // A function of a FIFO queue stops at the first failure, and names all that is left (Lambda developer guide,
            // "Implementing partial batch responses").
            Some(&first) if is_fifo => names.get(first..).unwrap_or_default().to_vec(),
            _ => {
                let failing = fate.failing.iter();
                failing
                    .filter_map(|place| names.get(*place).copied())
                    .collect()
            }
        };
        let topic = shared
            .roster
            .sources
            .get(source)
            .map_or("", |source| &source.topic);
        Ok(answer(&request.payload, &failing, topic).into())
    }

    async fn describe(&self, _: &FunctionRef) -> Result<FunctionFacts, InvokeError> {
        let state = self.shared.lock();
        // The service's pollers do not know the reserved concurrency: they run into throttles.
        let reserved = state.behaviour.reserved_concurrency;
        let reserved = reserved.filter(|_| self.shared.pacing != Pacing::Aws);
        let concurrency = reserved.and_then(|reserved| usize::try_from(reserved).ok());
        Ok(FunctionFacts::default()
            .with_timeout(Some(state.behaviour.timeout))
            .with_concurrency(concurrency.filter(|&concurrency| concurrency > 0)))
    }
}

fn answer(event: &[u8], failing: &[NamedRecord<'_>], topic: &str) -> Bytes {
    let in_window = WINDOW_ENDS.iter().any(|end| event.ends_with(end));
    if failing.is_empty() {
        return Bytes::from_static(if in_window {
            b"{\"state\":{}}"
        } else {
            b"null"
        });
    }
    let mut text = String::from("{\"batchItemFailures\":[");
    for (place, name) in failing.iter().enumerate() {
        let comma = if place > 0 { "," } else { "" };
        let written = match name {
            NamedRecord::Text(id) => {
                write!(text, "{comma}{{\"itemIdentifier\":\"{id}\"}}")
            }
            NamedRecord::Offset { partition, offset } => write!(
                text,
                "{comma}{{\"itemIdentifier\":{{\"partition\":\"{topic}-{partition}\",\"offset\":{offset}}}}}"
            ),
        };
        debug_assert!(written.is_ok(), "writing into memory does not fail");
    }
    text.push(']');
    if in_window {
        text.push_str(",\"state\":{}");
    }
    text.push('}');
    text.into()
}

fn seconds(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX)
}
