//! Reports made by hand.

use std::collections::BTreeMap;

use lambda_esm_lab::report::{
    CostLine, ExpectationReport, FunctionReport, Histogram, MappingReport, MappingSeries, Mode,
    Records, Report, Series, SourceReport, Summary, answers,
};
use lambda_esm_lab::scenario::{Comparison, Expectation, Metric};
use serde_json::json;

pub(crate) const STEP_MS: u64 = 15_000;
pub(crate) const HOUR_MS: u64 = 3_600_000;

/// Nothing happened to no mapping.
pub(crate) fn empty() -> Report {
    Report {
        name: "nothing".to_owned(),
        mode: Mode::Simulated { seed: 7 },
        begins_ms: 1_790_000_000_000,
        arrivals_ms: HOUR_MS,
        ran_ms: HOUR_MS,
        answers: Vec::new(),
        expectations: Vec::new(),
        mappings: Vec::new(),
        functions: Vec::new(),
        sources: Vec::new(),
        costs: Vec::new(),
        cost: 0.0,
        series: Series {
            step_ms: STEP_MS,
            mappings: Vec::new(),
        },
        timelines: Vec::new(),
        notes: Vec::new(),
    }
}

/// Answers what the report says, and puts the answers into it.
pub(crate) fn answered(mut report: Report) -> Report {
    report.answers = answers(&report);
    report
}

/// A report of these mappings, each with a queue and a function of its own.
pub(crate) fn of(mappings: Vec<(MappingReport, MappingSeries)>) -> Report {
    let mut report = empty();
    report.name = "orders to charge".to_owned();
    for (mapping, series) in mappings {
        if report
            .functions
            .iter()
            .all(|each| each.name != mapping.function)
        {
            report.functions.push(function(&mapping));
        }
        report.sources.push(source(&mapping));
        report.series.mappings.push(series);
        report.mappings.push(mapping);
    }
    report
}

fn function(mapping: &MappingReport) -> FunctionReport {
    FunctionReport {
        name: mapping.function.clone(),
        memory_mb: 512,
        invocations: mapping.invocations,
        cold_starts: mapping.max_concurrency,
        throttles: mapping.throttles,
        other_throttles: 0,
        duration: summary(mapping.invocations, 600.0),
        max_concurrency: mapping.max_concurrency,
        gb_seconds: mapping.invocations as f64 * 0.3,
    }
}

fn source(mapping: &MappingReport) -> SourceReport {
    SourceReport {
        name: mapping.source.clone(),
        arn: format!("arn:aws:sqs:us-east-1:123456789012:{}", mapping.source),
        kind: "sqs",
        arrived: mapping.records.arrived,
        bytes: mapping.records.arrived * 900,
        calls: BTreeMap::from([
            ("receive".to_owned(), 40_000),
            ("delete".to_owned(), 36_000),
        ]),
        empty_reads: 4_000,
        call_time: None,
        shard_hours: 0.0,
        consumer_shard_hours: 0.0,
    }
}

/// Durations around a mean.
pub(crate) fn summary(count: u64, mean: f64) -> Summary {
    if count == 0 {
        return Summary::default();
    }
    Summary {
        count,
        min: mean / 4.0,
        mean,
        p50: mean * 0.9,
        p90: mean * 1.6,
        p99: mean * 3.0,
        max: mean * 7.0,
    }
}

/// A mapping that processes 100 records per second for an hour, and its figures over time.
pub(crate) fn steady(label: &str) -> (MappingReport, MappingSeries) {
    let steps = (HOUR_MS / STEP_MS) as usize;
    let series = MappingSeries {
        arrivals: vec![1_500; steps],
        processed: vec![1_500; steps],
        invocations: vec![150; steps],
        errors: vec![0; steps],
        throttles: vec![0; steps],
        concurrency: (0..steps).map(|at| 4 + (at % 3) as u64).collect(),
        backlog: (0..steps).map(|at| 90 + (at * 37 % 60) as u64).collect(),
        age_ms: (0..steps).map(|at| 700 + (at * 131 % 900) as u64).collect(),
    };
    let (source, function) = label.split_once(" -> ").unwrap_or((label, "function"));
    let mapping = MappingReport {
        label: label.to_owned(),
        source: source.to_owned(),
        function: function.to_owned(),
        configuration: json!({
            "UUID": "00000000-0000-4000-8000-000000000001", "BatchSize": 10, "MaximumBatchingWindowInSeconds": 0,
            "EventSourceArn": format!("arn:aws:sqs:us-east-1:123456789012:{source}"), "State": "Enabled",
            "FunctionResponseTypes": [],
        }),
        records: Records {
            arrived: 360_000,
            processed: 360_000,
            ..Records::default()
        },
        invocations: 36_000,
        batch_sizes: Histogram::from([(10, 35_500), (9, 300), (5, 200)]),
        batch_reasons: BTreeMap::from([
            ("count".to_owned(), 35_500),
            ("available".to_owned(), 500),
        ]),
        latency: summary(360_000, 900.0),
        age: summary(3_600, 800.0),
        mean_concurrency: 4.9,
        max_concurrency: 6,
        decisions: BTreeMap::from([
            ("batch_closed".to_owned(), 36_000),
            ("invoked".to_owned(), 36_000),
        ]),
        ..MappingReport::default()
    };
    (mapping, series)
}

/// The same with a function that processes 83.1 records per second.
pub(crate) fn behind(label: &str) -> (MappingReport, MappingSeries) {
    let (mut mapping, mut series) = steady(label);
    let steps = series.arrivals.len();
    series.processed = vec![1_247; steps];
    series.concurrency = vec![5; steps];
    series.backlog = (1..=steps as u64).map(|at| at * 253).collect();
    series.age_ms = (1..=steps as u64).map(|at| at * 2_530).collect();
    mapping.records = Records {
        arrived: 360_000,
        processed: 299_280,
        waiting: 60_720,
        ..Records::default()
    };
    mapping.invocations = 29_928;
    mapping.batch_sizes = Histogram::from([(10, 29_928)]);
    mapping.batch_reasons = BTreeMap::from([("count".to_owned(), 29_928)]);
    mapping.latency = summary(299_280, 300_000.0);
    mapping.age = summary(3_600, 300_000.0);
    mapping.mean_concurrency = 5.0;
    mapping.max_concurrency = 5;
    mapping.configuration["ScalingConfig"] = json!({"MaximumConcurrency": 5});
    (mapping, series)
}

/// A burst of 200,000 messages that is worked off in 500 s.
pub(crate) fn burst(label: &str) -> (MappingReport, MappingSeries) {
    let (mut mapping, mut series) = steady(label);
    let steps = series.arrivals.len();
    let left = |at: usize| 200_000_u64.saturating_sub((at as u64 + 1) * 6_000);
    series.arrivals = (0..steps)
        .map(|at| if at == 0 { 200_000 } else { 0 })
        .collect();
    series.backlog = (0..steps).map(left).collect();
    series.processed = (0..steps)
        .map(|at| {
            if at == 0 {
                6_000
            } else {
                left(at - 1) - left(at)
            }
        })
        .collect();
    mapping.records = Records {
        arrived: 200_000,
        processed: 200_000,
        ..Records::default()
    };
    mapping.latency = summary(200_000, 250_000.0);
    (mapping, series)
}

/// A mapping that loses some records for several reasons, and retries.
pub(crate) fn failing(label: &str) -> (MappingReport, MappingSeries) {
    let (mut mapping, mut series) = steady(label);
    for at in 40..60 {
        series.errors[at] = 30;
        series.throttles[at] = (at as u64 % 7) * 4;
    }
    mapping.records = Records {
        arrived: 360_000,
        processed: 359_000,
        filtered: 500,
        dead_lettered: BTreeMap::from([("RetryAttemptsExhausted".to_owned(), 380)]),
        dropped: BTreeMap::from([("RecordAgeExceeded".to_owned(), 110)]),
        waiting: 10,
        repeats: 42,
        lost: 0,
    };
    mapping.errors = 600;
    mapping.timeouts = 1;
    mapping.retries = 640;
    mapping.bisects = 31;
    mapping.partial_failures = 12;
    mapping.throttles = 240;
    mapping.batch_sizes = (1..=100).map(|size| (size, 3 + size * size)).collect();
    mapping.configuration = json!({
        "BatchSize": 100, "ParallelizationFactor": 2, "MaximumBatchingWindowInSeconds": 2,
        "BisectBatchOnFunctionError": true, "MaximumRetryAttempts": 3, "MaximumRecordAgeInSeconds": 600,
        "DestinationConfig": {"OnFailure": {"Destination": "arn:aws:sqs:us-east-1:123456789012:dead"}},
        "FilterCriteria": {"Filters": [{"Pattern": "{\"data\":{\"kind\":[\"order\"]}}"}]},
    });
    (mapping, series)
}

/// Several mappings with all that a report may have.
pub(crate) fn full() -> Report {
    let mut report = of(vec![
        steady("orders -> charge"),
        failing("clicks -> index"),
        behind("events -> audit"),
    ]);
    report.expectations = vec![
        expect(
            Metric::P99,
            Comparison::Less,
            5_000.0,
            2_700.0,
            Some("orders -> charge"),
        ),
        expect(Metric::Age, Comparison::Less, 60_000.0, 2_100_000.0, None),
        expect(Metric::CostPerDay, Comparison::AtMost, 20.0, 9.12, None),
    ];
    report.costs = vec![
        cost("charge", "GB-seconds", 10_800.0, 0.18),
        cost("charge", "requests", 36_000.0, 0.0072),
        cost("orders", "requests", 76_000.0, 0.0304),
        cost("index", "GB-seconds", 9_000.0, 0.15),
    ];
    report.cost = report.costs.iter().map(|line| line.cost).sum();
    report.notes = vec![
        "Prices: AWS list prices, us-east-1, without free tier.".to_owned(),
        "An environment of a function stays 7 minutes without an invocation: the service says no time, and this is what \
         was seen."
            .to_owned(),
    ];
    answered(report)
}

/// An expectation, and what was seen.
pub(crate) fn expect(
    metric: Metric,
    comparison: Comparison,
    bound: f64,
    seen: f64,
    mapping: Option<&str>,
) -> ExpectationReport {
    ExpectationReport {
        expectation: Expectation {
            mapping: mapping.map(str::to_owned),
            metric,
            comparison,
            bound,
        },
        seen,
        holds: comparison.holds(seen, bound),
    }
}

/// A line of the bill.
pub(crate) fn cost(of: &str, unit: &str, quantity: f64, cost: f64) -> CostLine {
    CostLine {
        of: of.to_owned(),
        unit: unit.to_owned(),
        quantity,
        cost,
    }
}
