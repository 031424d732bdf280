//! Queues of SQS.

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
fn a_burst_goes_out_in_full_batches_as_fast_as_it_is_received() {
    let scenario = scenario(queue(burst(200)), function(0.1), json!({ "BatchSize": 10 }));
    let report = run(&scenario);
    let mapping = &report.mappings[0];
    assert_eq!(mapping.records.processed, 200);
    assert_eq!(mapping.batch_sizes, [(10, 20)].into());
}
