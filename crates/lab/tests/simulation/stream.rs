//! Streams of Kinesis and DynamoDB.

use serde_json::json;

use crate::scenes::{constant, function, kinesis, run, scenario};

#[test]
fn a_shard_that_is_polled_once_a_second_gives_a_batch_a_second() {
    let settings = json!({ "BatchSize": 100, "StartingPosition": "LATEST" });
    let scenario = scenario(kinesis(1, constant(10.0, 60)), function(0.1), settings);
    let report = run(&scenario);
    let mapping = &report.mappings[0];
    assert_eq!(mapping.records.arrived, 600);
    assert_eq!(mapping.records.processed, 600);
    // The first read is at the beginning, the second after the record that comes with it.
    assert_eq!(mapping.batch_sizes, [(9, 1), (10, 58), (11, 1)].into());
    assert_eq!(mapping.latency.max, 1100.0);
}

#[test]
fn a_batching_window_gathers_what_several_reads_bring() {
    let settings = json!({
        "BatchSize": 1000,
        "StartingPosition": "LATEST",
        "MaximumBatchingWindowInSeconds": 5,
    });
    let report = run(&scenario(
        kinesis(1, constant(10.0, 60)),
        function(0.1),
        settings,
    ));
    let mapping = &report.mappings[0];
    assert_eq!(mapping.records.processed, 600);
    assert!(mapping.batch_reasons["window"] >= 10, "{mapping:#?}");
    assert!((10..=13).contains(&mapping.invocations), "{mapping:#?}");
}

#[test]
fn a_tumbling_window_ends_with_an_invocation_without_records() {
    let settings = json!({
        "BatchSize": 1000,
        "StartingPosition": "LATEST",
        "TumblingWindowInSeconds": 30,
    });
    let report = run(&scenario(
        kinesis(1, constant(10.0, 60)),
        function(0.1),
        settings,
    ));
    let mapping = &report.mappings[0];
    assert_eq!(mapping.records.processed, 600);
    assert!(mapping.batch_sizes[&0] >= 1, "{mapping:#?}");
}

#[test]
fn lanes_work_at_the_same_time() {
    let settings = json!({
        "BatchSize": 10,
        "StartingPosition": "LATEST",
        "ParallelizationFactor": 10,
    });
    let report = run(&scenario(
        kinesis(1, constant(100.0, 60)),
        function(0.9),
        settings,
    ));
    let mapping = &report.mappings[0];
    assert_eq!(mapping.records.processed, 6000);
    assert_eq!(mapping.max_concurrency, 10);
    // Keys do not spread evenly over lanes that have little to spare.
    assert!(mapping.latency.p99 < 6_000.0, "{mapping:#?}");
}
