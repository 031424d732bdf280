//! From a scenario to its report.

use std::collections::BTreeSet;
use std::time::Duration;

use lambda_esm_core::Timestamp;
use lambda_esm_core::lifecycle::State;

use super::assembly::Assembly;
use super::effort::Effort;
use super::error::SimulationError;
use crate::recorder::{Recorded, kind_of};
use crate::report::{FunctionReport, MappingReport, Mode, Report, SourceReport, Timeline};
use crate::scenario::Scenario;
use crate::world::SourceInMemory;

/// How often ages and backlogs are looked at.
const TICK: Duration = Duration::from_secs(1);

/// How often what is settled is forgotten.
const FORGET: Duration = Duration::from_secs(20);

/// How long mappings may take until they read.
const START_LIMIT: Duration = Duration::from_secs(60);

/// How often it is told how far it has come.
const TELL: Duration = Duration::from_secs(60);

/// Who has read nothing for so long, and has nothing, has read all.
const QUIET: Duration = Duration::from_secs(60);

/// How far a simulation has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// The time that has passed in it.
    pub at: Duration,
    /// Of how much, at least.
    pub of: Duration,
    /// Records that have arrived.
    pub records: u64,
    /// Invocations that have begun.
    pub invocations: u64,
}

/// Simulates a scenario, and tells `watch` now and then how far it has come. The same scenario gives the same report, byte
/// for byte.
///
/// # Errors
/// Fails if a mapping is refused.
pub fn simulate(
    scenario: &Scenario,
    watch: &mut dyn FnMut(Progress),
) -> Result<Report, SimulationError> {
    simulate_with(scenario, Effort::Least, watch)
}

fn simulate_with(
    scenario: &Scenario,
    effort: Effort,
    watch: &mut dyn FnMut(Progress),
) -> Result<Report, SimulationError> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .map_err(SimulationError::Runtime)?;
    runtime.block_on(Box::pin(run(scenario, effort, watch)))
}

async fn run(
    scenario: &Scenario,
    effort: Effort,
    watch: &mut dyn FnMut(Progress),
) -> Result<Report, SimulationError> {
    let assembly = Assembly::new(scenario, effort).await?;
    assembly.wait_until_reading().await;
    assembly.recorder.begin();
    for function in &assembly.functions {
        function.begin();
    }
    for source in &assembly.sources {
        source.begin();
    }
    let notes = assembly.live(scenario, watch).await;
    let report = assembly.report(scenario, notes);
    assembly.engine.halt().await;
    Ok(report.finish(&scenario.expectations, &scenario.prices))
}

impl Assembly {
    /// Mappings that begin at the latest record must have found it before the first arrives.
    async fn wait_until_reading(&self) {
        let limit = self.clock.now() + START_LIMIT;
        let is_beginning = |state| matches!(state, State::Creating | State::Enabling);
        while self.clock.now() < limit && self.states().iter().any(|state| is_beginning(*state)) {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    fn states(&self) -> Vec<State> {
        let status = |uuid| self.engine.mapping_status(uuid);
        let mappings = self.mappings.iter();
        mappings
            .filter_map(|uuid| Some(status(*uuid)?.state))
            .collect()
    }

    /// Lets time pass until all is settled, or there is no more of it. Returns what should be known.
    async fn live(&self, scenario: &Scenario, watch: &mut dyn FnMut(Progress)) -> Vec<String> {
        let begins = self.recorder.begins();
        let arrivals_end = begins + scenario.duration;
        let limit = arrivals_end + scenario.drain;
        let mut notes = Vec::new();
        let mut events = scenario.events.iter().peekable();
        let mut tick = begins + TICK;
        let mut forget = begins + FORGET;
        let mut tell = begins + TICK;
        loop {
            let event = events.peek().map(|event| begins + event.at);
            let until = event.map_or(tick, |event| event.min(tick)).min(limit);
            self.clock.sleep_until(until).await;
            let now = self.clock.now();
            while let Some(event) = events.next_if(|event| begins + event.at <= now) {
                notes.extend(self.change(scenario, &event.change).await.err());
            }
            if now >= tick {
                tick = tick + TICK;
                for source in &self.sources {
                    source.fill();
                }
                self.recorder.sample();
                if now >= forget {
                    forget = now + FORGET;
                    self.sources.iter().for_each(SourceInMemory::forget_settled);
                }
                if now >= tell {
                    tell = now + TELL;
                    let sources = self.sources.iter();
                    watch(Progress {
                        at: now.since(begins),
                        of: scenario.duration,
                        records: sources.map(|source| source.intake().arrived()).sum(),
                        invocations: self.recorder.begun(),
                    });
                }
            }
            let is_over = now >= arrivals_end && events.peek().is_none() && self.is_settled();
            if is_over || now >= limit {
                return notes;
            }
        }
    }

    /// Tells whether nothing is left to do.
    fn is_settled(&self) -> bool {
        let has_arrived = self.sources.iter().all(|source| source.intake().is_over());
        let states = self.states();
        let open = states
            .iter()
            .enumerate()
            .filter(|(_, state)| **state != State::Disabled);
        let mut open = open.map(|(mapping, _)| self.recorder.backlog(mapping));
        has_arrived && open.all(|backlog| backlog == 0) && !self.recorder.is_busy()
    }

    /// Returns how many records of a mapping are known to wait; `None` if it may be all that are open.
    fn waiting(&self, scenario: &Scenario, mapping: usize, now: Timestamp) -> Option<u64> {
        let source = self.sources.get(scenario.mappings.get(mapping)?.source)?;
        if let Some(waiting) = source.waiting() {
            return Some(waiting);
        }
        let status = self.engine.mapping_status(*self.mappings.get(mapping)?)?;
        let activity = &status.activity;
        let has_nothing = activity.running == 0 && activity.waiting == 0 && activity.gathering == 0;
        let arrivals_end = self.recorder.begins() + scenario.duration;
        let is_quiet = now.since(arrivals_end) >= QUIET && status.problem.is_none();
        (status.state == State::Enabled && has_nothing && is_quiet).then_some(0)
    }

    fn report(&self, scenario: &Scenario, mut notes: Vec<String>) -> Report {
        let now = self.clock.now();
        let ran = now.since(self.recorder.begins());
        let recorded = self
            .recorder
            .finish(|mapping| self.waiting(scenario, mapping, now));
        let Recorded {
            mappings,
            functions,
            series,
            timelines,
        } = recorded;
        let mappings = scenario.mappings.iter().zip(mappings).enumerate();
        let mappings = mappings.map(|(place, (plan, mapping))| {
            let uuid = self.mappings.get(place).copied().unwrap_or_default();
            let echo = self.engine.get(uuid).ok();
            let configuration = echo.and_then(|echo| serde_json::to_value(echo).ok());
            MappingReport {
                label: plan.label.clone(),
                source: name(&scenario.sources, plan.source, |source| &source.name),
                function: name(&scenario.functions, plan.function, |function| {
                    &function.name
                }),
                configuration: configuration.unwrap_or_default(),
                ..mapping
            }
        });
        let mut functions = functions.into_iter();
        let functions = scenario
            .functions
            .iter()
            .zip(&self.functions)
            .map(|(function, model)| {
                let recorded = functions.next().unwrap_or_default();
                let stats = model.stats();
                FunctionReport {
                    name: function.name.clone(),
                    memory_mb: function.memory_mb,
                    cold_starts: stats.cold_starts,
                    other_throttles: stats.other_throttles,
                    max_concurrency: stats.max_concurrency.max(recorded.max_concurrency),
                    gb_seconds: recorded.gb_seconds * f64::from(function.memory_mb) / 1024.0,
                    ..recorded
                }
            });
        let sources = scenario.sources.iter().zip(&self.sources).enumerate().map(
            |(place, (source, memory))| {
                let usage = memory.usage();
                let shard_hours = memory.shard_hours();
                let consumers = consumers(scenario, place) as f64;
                SourceReport {
                    name: source.name.clone(),
                    arn: source.arn.clone(),
                    kind: kind_of(&source.kind).as_str(),
                    arrived: usage.arrived,
                    bytes: usage.bytes,
                    calls: usage.calls,
                    empty_reads: usage.empty_reads,
                    call_time: None,
                    shard_hours,
                    consumer_shard_hours: shard_hours * consumers,
                }
            },
        );
        let timelines = scenario.mappings.iter().zip(timelines);
        let timelines = timelines.map(|(plan, timeline)| Timeline {
            mapping: plan.label.clone(),
            ..timeline
        });
        notes.extend(shared_queues(scenario));
        notes.dedup();
        Report {
            name: scenario.name.clone(),
            mode: Mode::Simulated {
                seed: scenario.seed,
            },
            begins_ms: scenario.begins.millis(),
            arrivals_ms: millis(scenario.duration),
            ran_ms: millis(ran),
            answers: Vec::new(),
            expectations: Vec::new(),
            mappings: mappings.collect(),
            functions: functions.collect(),
            sources: sources.collect(),
            costs: Vec::new(),
            cost: 0.0,
            series,
            timelines: timelines.collect(),
            notes,
        }
    }
}

/// Tells of queues whose mappings take messages from each other.
fn shared_queues(scenario: &Scenario) -> impl Iterator<Item = String> {
    let sources = scenario.sources.iter().enumerate();
    sources.filter_map(|(place, source)| {
        let plans = scenario.mappings.iter();
        let readers = plans.filter(|plan| plan.source == place).count();
        (readers > 1 && kind_of(&source.kind).is_shared()).then(|| {
            format!(
                "{} mappings take messages of {} from each other: what waits there, what was filtered out by a broker's \
                 mapping, and its dead letters are told of the first",
                readers, source.name
            )
        })
    })
}

/// Returns how many consumers with enhanced fan-out read a source.
fn consumers(scenario: &Scenario, source: usize) -> usize {
    let plans = scenario
        .mappings
        .iter()
        .filter(|plan| plan.source == source);
    let arns = plans.filter_map(|plan| plan.request.event_source_arn.as_deref());
    let consumers: BTreeSet<&str> = arns.filter(|arn| arn.contains("/consumer/")).collect();
    consumers.len()
}

fn name<T>(all: &[T], place: usize, name: impl Fn(&T) -> &String) -> String {
    all.get(place)
        .map(|one| name(one).clone())
        .unwrap_or_default()
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::{
        Arrivals, Bodies, Distribution, Function, Keys, MappingPlan, Prices, Source, SourceKind,
        Span, Workload,
    };
    use lambda_esm_core::pacing::Pacing;
    use serde_json::json;

    /// Enough for threads of their own to be begun, with failures of all kinds.
    fn scenario() -> Scenario {
        let duration = Duration::from_secs(2_400);
        let arn = "arn:aws:kinesis:us-east-1:000000000000:stream/clicks";
        let span = Span {
            from: Duration::ZERO,
            until: duration,
        };
        let request = json!({
            "EventSourceArn": arn,
            "FunctionName": "count",
            "StartingPosition": "LATEST",
            "BatchSize": 10,
            "BisectBatchOnFunctionError": true,
            "MaximumRetryAttempts": 2,
            "FunctionResponseTypes": ["ReportBatchItemFailures"],
        });
        Scenario {
            name: "test".to_owned(),
            seed: 7,
            begins: Timestamp(1_800_000_000_000),
            duration,
            drain: Duration::from_secs(600),
            region: "us-east-1".to_owned(),
            account_id: "000000000000".to_owned(),
            pacing: Pacing::Aws,
            sources: vec![Source {
                name: "clicks".to_owned(),
                arn: arn.to_owned(),
                kind: SourceKind::Kinesis {
                    shards: 2,
                    retention: Duration::from_secs(24 * 3600),
                },
                call_time: Distribution::Fixed(0.0),
                workload: Workload {
                    arrivals: vec![Arrivals::Poisson { rate: 10.0, span }],
                    keys: Keys {
                        count: 100,
                        skew: 0.5,
                    },
                    size: Distribution::LogNormal {
                        p50: 200.0,
                        p99: 3_000.0,
                    },
                    bodies: Bodies::Filler,
                },
            }],
            functions: vec![Function {
                name: "count".to_owned(),
                memory_mb: 512,
                timeout: Duration::from_secs(2),
                duration: Distribution::LogNormal {
                    p50: 0.05,
                    p99: 0.4,
                },
                per_record: Distribution::Fixed(0.001),
                cold_start: Distribution::Fixed(0.3),
                environment_lifetime: Duration::from_secs(300),
                error_rate: 0.01,
                throttle_rate: 0.01,
                record_error_rate: 0.01,
                poison_rate: 0.001,
                reserved_concurrency: None,
                other_load: Vec::new(),
            }],
            mappings: vec![MappingPlan {
                label: "clicks -> count".to_owned(),
                source: 0,
                function: 0,
                request: serde_json::from_value(request).unwrap(),
            }],
            events: Vec::new(),
            expectations: Vec::new(),
            prices: Prices::default(),
        }
    }

    #[test]
    fn what_nobody_reads_makes_no_difference_to_the_report() {
        let scenario = scenario();
        let json = |effort| {
            let report = simulate_with(&scenario, effort, &mut |_| {}).unwrap();
            assert_eq!(report.mappings[0].records.lost, 0);
            assert!(report.mappings[0].bisects > 0 && report.mappings[0].partial_failures > 0);
            serde_json::to_string(&report).unwrap()
        };
        let least = json(Effort::Least);
        assert!(least.contains("\"bytes\":"), "the sizes of events are told");
        assert!(least == json(Effort::Whole), "the reports differ");
    }
}
