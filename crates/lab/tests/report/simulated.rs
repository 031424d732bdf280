//! Reports of simulations, as text and page.

use std::time::Duration;

use lambda_esm_core::Timestamp;
use lambda_esm_core::pacing::Pacing;
use lambda_esm_lab::report::{Report, text};
use lambda_esm_lab::scenario::{
    Arrivals, Bodies, Distribution, Function, Keys, MappingPlan, Prices, Scenario, Source,
    SourceKind, Span, Workload,
};
use lambda_esm_lab::simulate;
use serde_json::json;

use crate::page::checked;

/// Four shards, and a function that fails now and then, and at some records always.
fn clicks() -> Report {
    let duration = Duration::from_secs(100);
    let arn = "arn:aws:kinesis:us-east-1:000000000000:stream/clicks";
    let request = json!({
        "EventSourceArn": arn, "FunctionName": "count", "StartingPosition": "TRIM_HORIZON", "BatchSize": 20,
        "MaximumBatchingWindowInSeconds": 1, "BisectBatchOnFunctionError": true, "MaximumRetryAttempts": 3,
    });
    let scenario = Scenario {
        name: "Clicks".to_owned(),
        seed: 1,
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
                shards: 4,
                retention: Duration::from_secs(86_400),
            },
            call_time: Distribution::Fixed(0.0),
            workload: Workload {
                arrivals: vec![Arrivals::Constant {
                    rate: 40.0,
                    span: Span {
                        from: Duration::ZERO,
                        until: duration,
                    },
                }],
                keys: Keys {
                    count: 100,
                    skew: 0.0,
                },
                size: Distribution::Fixed(200.0),
                bodies: Bodies::Filler,
            },
        }],
        functions: vec![Function {
            name: "count".to_owned(),
            memory_mb: 256,
            timeout: Duration::from_secs(10),
            duration: Distribution::Fixed(0.3),
            per_record: Distribution::Fixed(0.0),
            cold_start: Distribution::Fixed(0.5),
            environment_lifetime: Duration::from_secs(300),
            error_rate: 0.02,
            throttle_rate: 0.01,
            record_error_rate: 0.0,
            poison_rate: 0.002,
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
    };
    simulate(&scenario, &mut |_| {})
        .unwrap()
        .finish(&scenario.expectations, &scenario.prices)
}

#[test]
fn what_was_simulated_is_told() {
    let report = clicks();
    let text = text(&report, 100);
    assert!(
        text.contains("It keeps up, in a steady state: 40"),
        "{text}"
    );
    assert!(
        text.contains("dropped after as many retries as MaximumRetryAttempts allows, and"),
        "{text}"
    );
    checked(&report);
}
