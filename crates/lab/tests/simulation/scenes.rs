//! Scenarios to begin with.

use std::time::Duration;

use lambda_esm_core::Timestamp;
use lambda_esm_core::pacing::Pacing;
use lambda_esm_lab::report::{MappingReport, Report};
use lambda_esm_lab::scenario::{
    Arrivals, Bodies, Distribution, Function, Keys, MappingPlan, Prices, Scenario, Source,
    SourceKind, Span, Workload,
};
use lambda_esm_lab::simulate;
use serde_json::{Value, json};

pub(crate) const fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// A function that takes so long, and never fails.
pub(crate) fn function(takes: f64) -> Function {
    Function {
        name: "worker".to_owned(),
        memory_mb: 1024,
        timeout: seconds(30),
        duration: Distribution::Fixed(takes),
        per_record: Distribution::Fixed(0.0),
        cold_start: Distribution::Fixed(0.0),
        environment_lifetime: seconds(300),
        error_rate: 0.0,
        throttle_rate: 0.0,
        record_error_rate: 0.0,
        poison_rate: 0.0,
        reserved_concurrency: None,
        other_load: Vec::new(),
    }
}

pub(crate) fn constant(rate: f64, until: u64) -> Arrivals {
    let span = Span {
        from: Duration::ZERO,
        until: seconds(until),
    };
    Arrivals::Constant { rate, span }
}

pub(crate) fn poisson(rate: f64) -> Arrivals {
    let span = Span {
        from: Duration::ZERO,
        until: Duration::MAX,
    };
    Arrivals::Poisson { rate, span }
}

/// Adds a filter of bodies that lets none but those with a number pass.
pub(crate) fn with_filters(mut settings: Value) -> Value {
    let pattern = json!({ "body": { "n": [{ "numeric": [">=", 100] }] } }).to_string();
    settings["FilterCriteria"] = json!({ "Filters": [{ "Pattern": pattern }] });
    settings
}

pub(crate) fn burst(count: u64) -> Arrivals {
    let span = Span {
        from: Duration::ZERO,
        until: Duration::MAX,
    };
    Arrivals::Bursts {
        count,
        every: None,
        span,
    }
}

pub(crate) fn source(kind: SourceKind, arn: &str, arrivals: Arrivals) -> Source {
    Source {
        name: "orders".to_owned(),
        arn: arn.to_owned(),
        kind,
        call_time: Distribution::Fixed(0.0),
        workload: Workload {
            arrivals: vec![arrivals],
            keys: Keys {
                count: 1000,
                skew: 0.0,
            },
            size: Distribution::Fixed(200.0),
            bodies: Bodies::Filler,
        },
    }
}

pub(crate) fn queue(arrivals: Arrivals) -> Source {
    let kind = SourceKind::Sqs {
        fifo: false,
        visibility_timeout: seconds(60),
        max_receive_count: None,
    };
    source(kind, "arn:aws:sqs:us-east-1:000000000000:orders", arrivals)
}

pub(crate) fn kinesis(shards: usize, arrivals: Arrivals) -> Source {
    let kind = SourceKind::Kinesis {
        shards,
        retention: seconds(24 * 3600),
    };
    source(
        kind,
        "arn:aws:kinesis:us-east-1:000000000000:stream/orders",
        arrivals,
    )
}

/// One source, one function, and a mapping with these members between them.
pub(crate) fn scenario(source: Source, function: Function, mapping: Value) -> Scenario {
    let mut request = json!({
        "EventSourceArn": source.arn,
        "FunctionName": function.name,
    });
    for (name, value) in mapping.as_object().unwrap() {
        request[name] = value.clone();
    }
    Scenario {
        name: "test".to_owned(),
        seed: 1,
        begins: Timestamp(1_800_000_000_000),
        duration: seconds(60),
        drain: seconds(600),
        region: "us-east-1".to_owned(),
        account_id: "000000000000".to_owned(),
        pacing: Pacing::Aws,
        sources: vec![source],
        functions: vec![function],
        mappings: vec![MappingPlan {
            label: "orders -> worker".to_owned(),
            source: 0,
            function: 0,
            request: serde_json::from_value(request).unwrap(),
        }],
        events: Vec::new(),
        expectations: Vec::new(),
        prices: Prices::default(),
    }
}

pub(crate) fn run(scenario: &Scenario) -> Report {
    let report = simulate(scenario, &mut |_| {}).unwrap();
    for mapping in &report.mappings {
        assert_eq!(accounted(mapping), mapping.records.arrived, "{mapping:#?}");
        assert_eq!(mapping.records.lost, 0, "{mapping:#?}");
    }
    report
}

/// Returns how many records are told of.
fn accounted(mapping: &MappingReport) -> u64 {
    let records = &mapping.records;
    let sum = |reasons: &std::collections::BTreeMap<String, u64>| reasons.values().sum::<u64>();
    records.processed
        + records.filtered
        + sum(&records.dropped)
        + sum(&records.dead_lettered)
        + records.waiting
}
