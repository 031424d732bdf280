//! Every parameter of every backend, for every kind of source: taken, or refused with the reason.

use crate::support::{Said, file, lambda_esm};

/// Kind, and the members of a mapping that reads it.
const SOURCES: [(&str, &str); 5] = [
    (
        "queue",
        "EventSourceArn: arn:aws:sqs:us-east-1:000000000000:orders",
    ),
    (
        "fifo",
        "EventSourceArn: arn:aws:sqs:us-east-1:000000000000:orders.fifo",
    ),
    (
        "kinesis",
        "EventSourceArn: arn:aws:kinesis:us-east-1:000000000000:stream/s, StartingPosition: LATEST",
    ),
    (
        "dynamodb",
        "EventSourceArn: arn:aws:dynamodb:us-east-1:000000000000:table/t/stream/2024-06-10T19:26:16.525, \
         StartingPosition: LATEST",
    ),
    (
        "window",
        "EventSourceArn: arn:aws:kinesis:us-east-1:000000000000:stream/s, StartingPosition: LATEST, \
         TumblingWindowInSeconds: 30",
    ),
];

/// Every parameter of functions, and a legal value.
const PARAMETERS: [(&str, &str); 15] = [
    ("endpoint", "'http://127.0.0.1:3001'"),
    ("command", "[python3, -m, awslambdaric, app.handler]"),
    ("url", "'http://127.0.0.1:8080/'"),
    ("timeout", "30"),
    ("concurrency", "2"),
    ("memory_mb", "256"),
    ("env", "{A: b}"),
    ("working_dir", "."),
    ("headers", "{x-a: b}"),
    ("duration_ms", "20"),
    ("error_rate", "0.1"),
    ("throttle_rate", "0.1"),
    ("record_error_rate", "0.1"),
    ("seed", "7"),
    ("colour", "red"),
];

/// Each backend, what it cannot do without, and all that it takes.
const BACKENDS: [(&str, &str, &[&str]); 4] = [
    ("lambda-api", "", &["endpoint", "timeout", "concurrency"]),
    (
        "process",
        "command",
        &[
            "command",
            "timeout",
            "concurrency",
            "memory_mb",
            "env",
            "working_dir",
        ],
    ),
    ("http", "url", &["url", "timeout", "concurrency", "headers"]),
    (
        "simulated",
        "",
        &[
            "duration_ms",
            "error_rate",
            "throttle_rate",
            "record_error_rate",
            "concurrency",
            "seed",
        ],
    ),
];

fn value(parameter: &str) -> &'static str {
    let known = PARAMETERS.iter().find(|(name, _)| *name == parameter);
    known.map_or("", |(_, value)| value)
}

fn check(name: &str, backend: &str, parameters: &[&str], mapping: &str) -> Said {
    let members: Vec<String> = parameters
        .iter()
        .map(|name| format!(", {name}: {}", value(name)))
        .collect();
    let text = format!(
        "functions: {{f: {{backend: {backend}{}}}}}\nmappings:\n  - {{FunctionName: f, {mapping}}}\n",
        members.concat()
    );
    let name = format!("functions-{name}.yaml");
    lambda_esm(&["check", &file(&name, &text)])
}

#[test]
fn every_parameter_of_every_backend_is_taken_for_every_source_or_refused() {
    for (source, mapping) in SOURCES {
        let reporting = format!("{mapping}, FunctionResponseTypes: [ReportBatchItemFailures]");
        for (backend, needed, takes) in BACKENDS {
            let said = check("taken", backend, takes, &reporting);
            assert_eq!(said.code, 0, "{backend} for {source}: {}", said.err);
            for (parameter, _) in PARAMETERS {
                if takes.contains(&parameter) {
                    continue;
                }
                let given = [needed, parameter];
                let given: Vec<&str> = given.into_iter().filter(|name| !name.is_empty()).collect();
                let said = check("taken", backend, &given, &reporting);
                let named = format!("functions.f.{parameter}");
                assert!(
                    said.code == 2 && said.err.contains(&named),
                    "{backend} with {parameter} for {source}: {}",
                    said.err
                );
            }
        }
    }
}

#[test]
fn failing_records_are_refused_where_the_mapping_does_not_look_at_them() {
    for (source, mapping) in SOURCES {
        let said = check("failing", "simulated", &["record_error_rate"], mapping);
        let text = "3:5: mappings[0].FunctionResponseTypes: must be [ReportBatchItemFailures]: the simulated \
                    function f has a record_error_rate; add it, or set error_rate, the share of invocations \
                    that fail";
        assert!(
            said.code == 2 && said.err.contains(text),
            "{source}: {}",
            said.err
        );
        let said = check("failing", "simulated", &["error_rate"], mapping);
        assert_eq!(said.code, 0, "{source}: {}", said.err);
    }
}

#[test]
fn filters_that_can_never_match_and_settings_without_effect_are_told() {
    let mapping = format!(
        "{}, FilterCriteria: {{Filters: [{{Pattern: '{{\"Body\":{{\"a\":[1]}}}}'}}]}}, \
         KMSKeyArn: 'arn:aws:kms:us-east-1:000000000000:key/k', MetricsConfig: {{Metrics: [EventCount]}}",
        SOURCES[0].1
    );
    let said = check("noted", "simulated", &[], &mapping);
    assert_eq!(said.code, 0, "{}", said.err);
    for note in [
        "warning: FilterCriteria {\"Body\":{\"a\":[1]}}: filter 0 can never match: no record of an SQS standard \
         queue has a value at Body.a\n",
        "note: KMSKeyArn has no effect: filters are kept as they are\n",
        "note: MetricsConfig has no effect: every metric is always there\n",
    ] {
        assert!(said.out.contains(note), "{note:?} is not in\n{}", said.out);
    }
}
