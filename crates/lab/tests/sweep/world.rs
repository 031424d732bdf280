//! A queue and a stream with their functions, and a stand-in for simulations.

use std::convert::Infallible;
use std::num::NonZero;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use lambda_esm_core::Timestamp;
use lambda_esm_core::mapping::CreateEventSourceMapping;
use lambda_esm_core::pacing::Pacing;
use lambda_esm_lab::report::{MappingReport, Mode, Report, Series};
use lambda_esm_lab::scenario::{
    Arrivals, Bodies, Comparison, Distribution, Expectation, Function, Keys, MappingPlan, Metric,
    Prices, Scenario, Source, SourceKind, Span, Workload,
};
use lambda_esm_lab::sweep::{
    Axis, ConfigurationResult, Objective, Runs, SweepError, SweepPlan, SweepReport, parse_values,
    sweep,
};
use serde_json::{Value, json};

pub(crate) const QUEUE: &str = "arn:aws:sqs:us-east-1:000000000000:orders";
pub(crate) const STREAM: &str = "arn:aws:kinesis:us-east-1:000000000000:stream/clicks";

pub(crate) fn source(name: &str, arn: &str, kind: SourceKind) -> Source {
    let span = Span {
        from: Duration::ZERO,
        until: Duration::from_secs(20),
    };
    Source {
        name: name.to_owned(),
        arn: arn.to_owned(),
        kind,
        call_time: Distribution::Fixed(0.0),
        workload: Workload {
            arrivals: vec![Arrivals::Poisson { rate: 5.0, span }],
            keys: Keys {
                count: 100,
                skew: 0.0,
            },
            size: Distribution::Fixed(200.0),
            bodies: Bodies::Filler,
        },
    }
}

pub(crate) fn function(name: &str) -> Function {
    Function {
        name: name.to_owned(),
        memory_mb: 512,
        timeout: Duration::from_secs(30),
        duration: Distribution::Fixed(0.05),
        per_record: Distribution::Fixed(0.002),
        cold_start: Distribution::Fixed(0.0),
        environment_lifetime: Duration::from_secs(300),
        error_rate: 0.0,
        throttle_rate: 0.0,
        record_error_rate: 0.0,
        poison_rate: 0.0,
        reserved_concurrency: None,
        other_load: Vec::new(),
    }
}

pub(crate) fn mapping(label: &str, place: usize, request: Value) -> MappingPlan {
    MappingPlan {
        label: label.to_owned(),
        source: place,
        function: place,
        request: serde_json::from_value::<CreateEventSourceMapping>(request).unwrap(),
    }
}

/// A queue whose function is called `worker`.
pub(crate) fn queue() -> Scenario {
    let visibility_timeout = Duration::from_secs(60);
    let kind = SourceKind::Sqs {
        fifo: false,
        visibility_timeout,
        max_receive_count: Some(3),
    };
    let request = json!({ "EventSourceArn": QUEUE, "FunctionName": "worker", "BatchSize": 10 });
    Scenario {
        name: "A queue".to_owned(),
        seed: 7,
        begins: Timestamp(1_767_225_600_000),
        duration: Duration::from_secs(20),
        drain: Duration::from_secs(600),
        region: "us-east-1".to_owned(),
        account_id: "000000000000".to_owned(),
        pacing: Pacing::Aws,
        sources: vec![source("orders", QUEUE, kind)],
        functions: vec![function("worker")],
        mappings: vec![mapping("orders -> worker", 0, request)],
        events: Vec::new(),
        expectations: Vec::new(),
        prices: Prices::default(),
    }
}

/// The same with a stream beside it, whose function is called `counter`.
pub(crate) fn queue_and_stream() -> Scenario {
    let mut scenario = queue();
    let kind = SourceKind::Kinesis {
        shards: 2,
        retention: Duration::from_secs(24 * 3_600),
    };
    scenario.sources.push(source("clicks", STREAM, kind));
    scenario.functions.push(function("counter"));
    let request = json!({
        "EventSourceArn": STREAM, "FunctionName": "counter", "StartingPosition": "TRIM_HORIZON"
    });
    scenario
        .mappings
        .push(mapping("clicks -> counter", 1, request));
    scenario
}

/// A plan of axes such as `BatchSize=10,100`.
pub(crate) fn plan(axes: &[&str]) -> SweepPlan {
    let axis = |text: &&str| {
        let (parameter, values) = text.split_once('=').unwrap();
        Axis {
            parameter: parameter.parse().unwrap(),
            values: parse_values(values).unwrap(),
        }
    };
    SweepPlan {
        axes: axes.iter().map(axis).collect(),
        variants: Vec::new(),
        objective: Objective::CHEAPEST,
        constraints: Vec::new(),
        memory: Vec::new(),
    }
}

pub(crate) fn below(metric: Metric, bound: f64) -> Expectation {
    Expectation {
        mapping: None,
        metric,
        comparison: Comparison::Less,
        bound,
    }
}

/// What a hand-made report says.
#[derive(Clone, Copy, Default)]
pub(crate) struct Seen {
    pub(crate) cost: f64,
    pub(crate) p99: f64,
    pub(crate) invocations: u64,
    pub(crate) waiting: u64,
    pub(crate) dropped: u64,
}

pub(crate) fn report(scenario: &Scenario, seen: Seen) -> Report {
    let mut mapping = MappingReport {
        label: scenario.mappings[0].label.clone(),
        invocations: seen.invocations,
        ..MappingReport::default()
    };
    mapping.latency.p99 = seen.p99;
    mapping.records.processed = 1_000;
    mapping.records.waiting = seen.waiting;
    if seen.dropped > 0 {
        let dropped = &mut mapping.records.dropped;
        dropped.insert("retries used up".to_owned(), seen.dropped);
    }
    Report {
        name: scenario.name.clone(),
        mode: Mode::Simulated {
            seed: scenario.seed,
        },
        begins_ms: scenario.begins.0,
        arrivals_ms: 60_000,
        ran_ms: 60_000,
        answers: Vec::new(),
        expectations: Vec::new(),
        mappings: vec![mapping],
        functions: Vec::new(),
        sources: Vec::new(),
        costs: Vec::new(),
        cost: seen.cost,
        series: Series::default(),
        timelines: Vec::new(),
        notes: Vec::new(),
    }
}

pub(crate) fn batch_size(scenario: &Scenario) -> i64 {
    scenario.mappings[0].request.batch_size.unwrap_or(10)
}

pub(crate) fn window(scenario: &Scenario) -> i64 {
    let window = scenario.mappings[0]
        .request
        .maximum_batching_window_in_seconds;
    window.unwrap_or_default()
}

/// Sweeps with one thread.
pub(crate) fn swept(
    scenario: &Scenario,
    plan: &SweepPlan,
    seen: impl Fn(&Scenario) -> Seen + Sync,
) -> Result<SweepReport, SweepError> {
    swept_by(1, scenario, plan, seen)
}

pub(crate) fn swept_by(
    jobs: usize,
    scenario: &Scenario,
    plan: &SweepPlan,
    seen: impl Fn(&Scenario) -> Seen + Sync,
) -> Result<SweepReport, SweepError> {
    let runs = Runs {
        jobs: NonZero::new(jobs).unwrap(),
        stop: &AtomicBool::new(false),
        progress: &|_| {},
    };
    sweep(scenario, plan, runs, |scenario: &Scenario| {
        Ok::<_, Infallible>(report(scenario, seen(scenario)))
    })
}

/// The configurations in order, each as its changes: `BatchSize=100 Window=2`.
pub(crate) fn configurations(report: &SweepReport) -> Vec<String> {
    let all = report.configurations.iter().map(|one| {
        let changes = one.changes.iter();
        let changes = changes.map(|change| format!("{}={}", change.parameter, change.to));
        changes.collect::<Vec<_>>().join(" ")
    });
    all.collect()
}

/// The ranking, each configuration as its changes, and what it breaks.
pub(crate) fn ranking(report: &SweepReport) -> Vec<String> {
    let names = configurations(report);
    let all = report.ranking.iter().map(|&index| {
        let broken = match &report.configurations[index].result {
            ConfigurationResult::RuledOut { broken, .. } => broken.as_slice(),
            _ => &[],
        };
        let broken = broken.iter().map(|one| {
            let constraint = &report.constraints[one.constraint].expectation;
            format!(" !{:?} {}", constraint.metric, one.seen)
        });
        format!("{}{}", names[index], broken.collect::<String>())
    });
    all.collect()
}
