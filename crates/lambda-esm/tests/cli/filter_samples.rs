//! `filter test --samples`.

use serde_json::{Value, json};

use crate::support::{Said, file, lambda_esm};

const PATTERN: &str = r#"{"kind": ["order"], "total": [{"numeric": [">", 100]}]}"#;

/// 2 match, 5 are of another kind, 2 of those too small as well, 1 is too small only.
const EVENTS: &str = r#"{"kind": "order", "total": 101}
{"kind": "order", "total": 200}
{"kind": "refund", "total": 300}
{"kind": "refund", "total": 400}
{"kind": "refund", "total": 500}
{"kind": "refund", "total": 1}
{"kind": "refund", "total": 2}
{"kind": "order", "total": 3}
"#;

fn test(arguments: &[&str]) -> Said {
    lambda_esm(&[&["filter", "test"], arguments].concat())
}

/// Returns what was said, which must have worked.
#[track_caller]
fn report(arguments: &[&str]) -> Value {
    let said = test(&[arguments, &["--json"]].concat());
    assert_eq!(said.code, 0, "{}", said.err);
    said.json().remove(0)
}

#[test]
fn the_share_is_told_and_the_clause_that_loses_most_with_an_example() {
    let path = file("samples.jsonl", EVENTS);
    let said = test(&["--pattern", PATTERN, "--samples", &path]);
    assert_eq!(said.code, 0, "{}", said.err);
    assert_eq!(
        said.out,
        format!(
            "2 of 8 samples match (25.0 %)\n\nfilter 0, {PATTERN}: 2 match\n     \
             stops  match without  clause\n         \
             5              5  kind [\"order\"]\n         \
             3              3  total [{{\"numeric\":[\">\",100]}}]\n\n\
             Most is lost to kind [\"order\"] of filter 0: without it 3 more would match.\n\
             For example {path} event 3: value not accepted, found \"refund\"\n  \
             {{\"kind\": \"refund\", \"total\": 300}}\n"
        )
    );
}

#[test]
fn counts_are_json_too_and_any_pattern_is_enough() {
    let path = file("samples-json.jsonl", EVENTS);
    let second = r#"{"total": [1]}"#;
    let found = report(&["-p", PATTERN, "-p", second, "--samples", &path]);
    assert_eq!(
        (&found["samples"], &found["matched"]),
        (&json!(8), &json!(3))
    );
    assert_eq!(found["share"], json!(0.375));
    assert_eq!(
        found["patterns"][0]["clauses"][0],
        json!({"path": "kind", "expected": "[\"order\"]", "stops": 5, "matches_without": 5})
    );
    assert_eq!(found["patterns"][1]["matched"], json!(1));
    // All others would match a pattern without clauses.
    assert_eq!(found["worst"]["pattern"], json!(1));
    assert_eq!(found["worst"]["more_without"], json!(7));
}

#[test]
fn where_no_clause_is_alone_at_fault_that_is_told() {
    let path = file(
        "both.jsonl",
        r#"[{"kind": "refund", "total": 1}, {"total": 2}, {"kind": "x"}]"#,
    );
    let said = test(&["--pattern", PATTERN, "--samples", &path]);
    let told = "it stops 3, though none would match without it: each fails another clause, too";
    assert!(said.out.contains(told), "{}", said.out);
    let all = file("all.json", r#"[{"kind": "order", "total": 101}]"#);
    let said = test(&["--pattern", PATTERN, "--samples", &all]);
    assert!(
        said.out.starts_with("1 of 1 samples match (100.0 %)\n"),
        "{}",
        said.out
    );
    assert!(!said.out.contains("Most is lost"), "{}", said.out);
}

/// A recording of a queue: one message of each kind.
fn recording(name: &str, payloads: bool) -> String {
    let mut text = format!(
        "{{\"recording\":1,\"kind\":\"sqs\",\"source\":\"arn:aws:sqs:us-east-1:000000000000:orders\",\"function\":\"f\",\
         \"began\":\"2026-01-01T00:00:00.000Z\",\"began_ms\":1767225600000,\"payloads\":{payloads}}}\n"
    );
    for (at, kind) in ["order", "refund"].iter().enumerate() {
        let body = json!({"kind": kind, "total": 200}).to_string();
        let mut line = json!({"at": at, "size": body.len()});
        if payloads {
            line["record"] = json!({"messageId": "m", "body": body});
        }
        text.push_str(&format!("{line}\n"));
    }
    file(name, &text)
}

#[test]
fn records_of_events_and_recordings_are_matched_as_their_source_does() {
    let body = |kind: &str| json!({"kind": kind, "total": 200}).to_string();
    let event = json!({"Records": [
        {"eventSource": "aws:sqs", "body": body("order")}, {"eventSource": "aws:sqs", "body": body("refund")}
    ]});
    let event = file("event.json", &event.to_string());
    let pattern = format!(r#"{{"body": {PATTERN}}}"#);
    let recorded = recording("recorded.jsonl", true);
    let found = report(&["-p", &pattern, "--samples", &event, &recorded]);
    assert_eq!(
        (&found["samples"], &found["matched"]),
        (&json!(4), &json!(2))
    );
    assert_eq!(found["worst"]["path"], json!("body.kind"));
    let said = test(&["-p", &pattern, "--samples", &recording("bare.jsonl", false)]);
    assert_eq!(said.code, 64);
    assert!(
        said.err.contains("was recorded without payloads"),
        "{}",
        said.err
    );
}

#[test]
#[cfg(all(feature = "sqs", feature = "kinesis"))]
fn a_configuration_brings_patterns_and_sources() {
    let filters =
        |pattern: &str| format!("FilterCriteria: {{Filters: [{{Pattern: '{pattern}'}}]}}");
    let text = format!(
        "functions: {{'*': {{backend: simulated}}}}\nmappings:\n  \
         - {{EventSourceArn: 'arn:aws:sqs:us-east-1:000000000000:a', FunctionName: f, {}}}\n  \
         - {{EventSourceArn: 'arn:aws:sqs:us-east-1:000000000000:b', FunctionName: f}}\n  \
         - {{EventSourceArn: 'arn:aws:kinesis:us-east-1:000000000000:stream/c', FunctionName: f, \
             StartingPosition: LATEST, {}}}\n",
        filters(r#"{"body":{"kind":["order"]}}"#),
        filters(r#"{"data":{"kind":["order"]}}"#)
    );
    let (config, samples) = (
        file("filters.yaml", &text),
        recording("for-config.jsonl", true),
    );
    let measured = ["--config", &config, "--samples", &samples];
    let said = test(&measured);
    assert_eq!(
        said.out.lines().next(),
        Some("mappings[0], arn:aws:sqs:us-east-1:000000000000:a: 1 of 2 samples match (50.0 %)"),
        "{}",
        said.err
    );
    assert_eq!(said.out.matches("samples match").count(), 1);
    for (index, told) in [
        ("1", "no mappings[1] with FilterCriteria"),
        ("2", "another kind of source"),
    ] {
        let said = test(&[&measured[..], &["--mapping", index]].concat());
        assert_eq!(said.code, 64);
        assert!(said.err.contains(told), "{}", said.err);
    }
}
