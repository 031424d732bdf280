//! The same scenario gives the same report, byte for byte.

use std::process::Command;

use lambda_esm_lab::scenario::{Distribution, Scenario};
use lambda_esm_lab::simulate;
use serde_json::json;

use crate::kinds::{fifo, kafka};
use crate::scenes::{function, kinesis, poisson, queue, scenario, with_filters};

/// Asks this test's own process, begun anew, for the digests.
const ASKED: &str = "LAB_TEST_PRINTS_REPORTS";

fn scenarios(seed: u64) -> Vec<Scenario> {
    let mut function = function(0.05);
    function.duration = Distribution::LogNormal {
        p50: 0.05,
        p99: 0.9,
    };
    function.cold_start = Distribution::Exponential { mean: 0.5 };
    function.error_rate = 0.05;
    function.poison_rate = 0.001;
    function.throttle_rate = 0.01;
    let stream = json!({
        "StartingPosition": "TRIM_HORIZON",
        "BatchSize": 20,
        "ParallelizationFactor": 3,
        "BisectBatchOnFunctionError": true,
        "MaximumRetryAttempts": 2,
    });
    let (fifo, fifo_settings) = fifo();
    let (kafka, kafka_settings) = kafka(5);
    let mut scenarios = vec![
        scenario(kinesis(3, poisson(40.0)), function.clone(), stream),
        scenario(
            queue(poisson(40.0)),
            function.clone(),
            with_filters(json!({ "BatchSize": 5 })),
        ),
        scenario(fifo, function.clone(), fifo_settings),
        scenario(kafka, function, kafka_settings),
    ];
    for scenario in &mut scenarios {
        scenario.seed = seed;
    }
    scenarios
}

fn report(scenario: &Scenario) -> String {
    let report = simulate(scenario, &mut |_| {}).unwrap();
    serde_json::to_string(&report).unwrap()
}

#[test]
fn the_same_seed_gives_the_same_report_and_another_gives_another() {
    for (same, other) in scenarios(7).iter().zip(&scenarios(8)) {
        let first = report(same);
        assert!(
            first == report(same),
            "a second run of {} differs",
            same.sources[0].arn
        );
        assert!(
            first != report(other),
            "the seed changes nothing of {}",
            same.sources[0].arn
        );
    }
}

#[test]
fn other_processes_give_the_same_reports() {
    let all = || -> String { scenarios(7).iter().map(report).collect() };
    if std::env::var_os(ASKED).is_some() {
        println!("\nreports: {}", all());
        return;
    }
    let name = "determinism::other_processes_give_the_same_reports";
    let other = Command::new(std::env::current_exe().unwrap())
        .args([name, "--exact", "--nocapture"])
        .env(ASKED, "1")
        .output()
        .unwrap();
    let text = String::from_utf8(other.stdout).unwrap();
    let reports = text.lines().find_map(|line| line.strip_prefix("reports: "));
    assert!(
        reports.unwrap() == all(),
        "another process reports something else"
    );
}
