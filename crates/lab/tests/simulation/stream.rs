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
