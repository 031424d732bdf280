//! How much faster than real time a simulation is: 24 hours of a stream with failures, and an hour of 1,000 shards.
//!
//! Says the time that passed, the processor's time of the whole process, and the greatest memory.
//!
//! `cargo bench -p lambda-esm-lab --bench simulate`

#![expect(clippy::unwrap_used, reason = "a bench stops at the first surprise")]

use std::time::Duration;

use lambda_esm_core::Timestamp;
use lambda_esm_core::pacing::Pacing;
use lambda_esm_lab::scenario::{
    Arrivals, Bodies, Distribution, Function, Keys, MappingPlan, Prices, Scenario, Source,
    SourceKind, Span, Workload,
};
use lambda_esm_lab::simulate;
use serde_json::json;
use tokio::time::Instant;

fn main() {
    let wanted = std::env::args().find(|argument| argument.starts_with("hours="));
    let hours = wanted.and_then(|argument| argument.split_once('=')?.1.parse().ok());
    let hours = hours.unwrap_or(24);
    measure("4 shards, 100 records/s", &scenario(4, 100.0, hours));
    if hours == 24 {
        measure("1,000 shards, 1,000 records/s", &scenario(1000, 1000.0, 1));
    }
}

fn measure(name: &str, scenario: &Scenario) {
    let (began, cpu) = (Instant::now(), cpu_time());
    let report = simulate(scenario, &mut |_| {}).unwrap();
    let (took, cpu) = (began.elapsed(), cpu_time() - cpu);
    let mapping = &report.mappings[0];
    println!(
        "{name}: {} h in {:.2} s ({:.0} times real time), {:.2} s of the processor, {} MB at most; {} records, {} \
         invocations, {} errors, {} bisects",
        scenario.duration.as_secs() / 3600,
        took.as_secs_f64(),
        scenario.duration.as_secs_f64() / took.as_secs_f64(),
        cpu.as_secs_f64(),
        peak_megabytes(),
        mapping.records.arrived,
        mapping.invocations,
        mapping.errors,
        mapping.bisects,
    );
    assert_eq!(mapping.records.lost, 0);
}

fn scenario(shards: usize, rate: f64, hours: u64) -> Scenario {
    let duration = Duration::from_secs(hours * 3600);
    let span = Span {
        from: Duration::ZERO,
        until: duration,
    };
    let arn = "arn:aws:kinesis:us-east-1:000000000000:stream/clicks";
    let request = json!({
        "EventSourceArn": arn,
        "FunctionName": "count",
        "StartingPosition": "LATEST",
        "BatchSize": 100,
        "BisectBatchOnFunctionError": true,
        "MaximumRetryAttempts": 2,
    });
    Scenario {
        name: "bench".to_owned(),
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
                shards,
                retention: Duration::from_secs(24 * 3600),
            },
            call_time: Distribution::Fixed(0.0),
            workload: Workload {
                arrivals: vec![Arrivals::Poisson { rate, span }],
                keys: Keys {
                    count: 1_000,
                    skew: 0.0,
                },
                size: Distribution::Fixed(200.0),
                bodies: Bodies::Filler,
            },
        }],
        functions: vec![Function {
            name: "count".to_owned(),
            memory_mb: 512,
            timeout: Duration::from_secs(30),
            duration: Distribution::LogNormal {
                p50: 0.05,
                p99: 0.4,
            },
            per_record: Distribution::Fixed(0.001),
            cold_start: Distribution::Fixed(0.3),
            environment_lifetime: Duration::from_secs(300),
            error_rate: 0.01,
            throttle_rate: 0.0,
            record_error_rate: 0.0,
            poison_rate: 0.0,
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

/// Returns the processor's time that the process has used.
fn cpu_time() -> Duration {
    let text = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<&str> = text
        .rsplit(')')
        .next()
        .unwrap()
        .split_whitespace()
        .collect();
    // In hundredths of a second: user and system.
    let ticks: u64 = fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap();
    Duration::from_millis(ticks * 10)
}

fn peak_megabytes() -> u64 {
    let text = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.unwrap()
        .split_whitespace()
        .next()
        .unwrap()
        .parse::<u64>()
        .unwrap()
        / 1024
}
