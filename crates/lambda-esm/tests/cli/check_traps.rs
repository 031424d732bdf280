//! `check` warns of traps, with what the file knows of functions and of its other mappings.

use serde_json::{Value, json};

use crate::support::{file, lambda_esm};

const QUEUES: &str = "\
functions:
  '*': {backend: http, url: 'http://127.0.0.1:8080/', concurrency: 20}
mappings:
  - {EventSourceArn: 'arn:aws:sqs:us-east-1:000000000000:a', FunctionName: f, ScalingConfig: {MaximumConcurrency: 15}}
  - {EventSourceArn: 'arn:aws:sqs:us-east-1:000000000000:b', FunctionName: f, ScalingConfig: {MaximumConcurrency: 6}}
  - {EventSourceArn: 'arn:aws:sqs:us-east-1:000000000000:c', FunctionName: g, ScalingConfig: {MaximumConcurrency: 20}}
";

#[test]
fn a_trap_is_told_with_its_way_out_and_source_and_changes_no_exit_code() {
    let said = lambda_esm(&["check", &file("traps.yaml", QUEUES)]);
    assert_eq!(said.code, 0, "{}", said.err);
    let warning = "  warning: MaximumConcurrency 15: allows 21 invocations, together with 1 more of its mappings, at a time, \
                   and the function's concurrency is 20: what is more waits in line here, and would be throttled in AWS\n    \
                   way out: lower it, so that all mappings of the function stay within 20, or raise the concurrency\n    \
                   source: Lambda developer guide, Configuring scaling behavior for SQS event source mappings\n";
    assert!(said.out.contains(warning), "{}", said.out);
    assert_eq!(said.out.matches("warning:").count(), 2, "{}", said.out);
}

#[test]
fn traps_are_told_per_mapping_as_json() {
    let said = lambda_esm(&["check", "--json", &file("traps-json.yaml", QUEUES)]);
    assert_eq!(said.code, 0, "{}", said.err);
    let mappings = &said.json()[0]["mappings"];
    let fields = |index: usize| {
        let traps = mappings[index]["traps"].as_array().unwrap();
        traps.iter().map(|trap| trap["field"].clone()).collect()
    };
    let told: Vec<Value> = (0..3).map(fields).collect();
    let limit = json!(["MaximumConcurrency"]);
    assert_eq!(told, [limit.clone(), limit, json!([])]);
    for member in ["value", "says", "way_out", "source"] {
        assert!(mappings[0]["traps"][0][member].is_string(), "{member}");
    }
}
