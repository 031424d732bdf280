//! Queues of SQS.

use lambda_esm_lab::scenario::Distribution;
use serde_json::json;

use crate::scenes::{burst, constant, function, queue, run, scenario};

#[test]
fn messages_that_come_one_by_one_are_invocations_of_one() {
    let scenario = scenario(
        queue(constant(1.0, 60)),
        function(0.1),
        json!({ "BatchSize": 10 }),
    );
    let report = run(&scenario);
    let mapping = &report.mappings[0];
    assert_eq!(mapping.records.arrived, 60);
    assert_eq!(mapping.records.processed, 60);
    assert_eq!(mapping.invocations, 60);
    assert_eq!(mapping.batch_sizes, [(1, 60)].into());
    assert_eq!(mapping.latency.max, 100.0);
}

#[test]
fn calls_that_take_time_make_messages_later_by_as_much() {
    let mut source = queue(constant(1.0, 60));
    source.call_time = Distribution::Fixed(0.2);
    let scenario = scenario(source, function(0.1), json!({ "BatchSize": 10 }));
    let report = run(&scenario);
    let mapping = &report.mappings[0];
    assert_eq!(mapping.records.processed, 60);
    assert_eq!(mapping.invocations, 60);
    assert_eq!((mapping.latency.min, mapping.latency.max), (300.0, 300.0));
}

#[test]
fn a_burst_goes_out_in_full_batches_as_fast_as_it_is_received() {
    let scenario = scenario(queue(burst(200)), function(0.1), json!({ "BatchSize": 10 }));
    let report = run(&scenario);
    let mapping = &report.mappings[0];
    assert_eq!(mapping.records.processed, 200);
    assert_eq!(mapping.batch_sizes, [(10, 20)].into());
}

#[test]
fn mappings_that_share_a_queue_take_messages_from_each_other() {
    let mut scenario = scenario(
        queue(constant(20.0, 60)),
        function(0.5),
        json!({ "BatchSize": 1 }),
    );
    let mut other = scenario.functions[0].clone();
    other.name = "other".to_owned();
    scenario.functions.push(other);
    let mut plan = scenario.mappings[0].clone();
    plan.label = "orders -> other".to_owned();
    plan.function = 1;
    plan.request.function_name = Some("other".to_owned());
    scenario.mappings.push(plan);
    let report = run(&scenario);
    let processed = report
        .mappings
        .iter()
        .map(|mapping| mapping.records.processed);
    let processed: Vec<u64> = processed.collect();
    assert_eq!(processed.iter().sum::<u64>(), 1200);
    assert!(processed.iter().all(|&each| each > 300), "{processed:?}");
}
