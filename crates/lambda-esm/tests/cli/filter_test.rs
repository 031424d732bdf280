//! `filter test`.

use serde_json::json;

use crate::support::{file, lambda_esm, lambda_esm_with};

const PATTERN: &str = r#"{"a": [{"prefix": "x"}], "b": [1]}"#;

fn test(arguments: &[&str]) -> crate::support::Said {
    lambda_esm(&[&["filter", "test"], arguments].concat())
}

#[test]
fn a_match_says_so_and_a_non_match_names_path_operator_and_value() {
    let said = test(&["--pattern", PATTERN, "--event", r#"{"a": "xy", "b": 1}"#]);
    assert_eq!((said.code, said.out.as_str()), (0, "event 1: match\n"));

    let said = test(&["--pattern", PATTERN, "--event", r#"{"a": "yx", "b": 1}"#]);
    assert_eq!(said.code, 0);
    assert_eq!(
        said.out,
        "event 1: no match\n  filter 0: no match\n    field `a`: value not accepted; \
         expected [{\"prefix\":\"x\"}], found \"yx\"\n"
    );
}

#[test]
fn any_of_several_patterns_is_enough() {
    let said = test(&["-p", PATTERN, "-p", r#"{"c": [2]}"#, "-e", r#"{"c": 2}"#]);
    assert_eq!(said.out, "event 1: match\n");
}

#[test]
fn events_come_from_standard_input_and_files_in_any_layout() {
    let input = "{\"a\": \"x\",\n \"b\": 1}\n{\"b\": 1}";
    let said = lambda_esm_with(&["filter", "test", "--pattern", PATTERN, "--json"], input);
    let matched: Vec<_> = said
        .json()
        .iter()
        .map(|line| line["matched"].clone())
        .collect();
    assert_eq!(matched, [json!(true), json!(false)]);

    let path = file("events.jsonl", "{\"a\": \"x\", \"b\": 1}\n{broken\n");
    let said = test(&["--pattern", PATTERN, "--event-file", &path, "--json"]);
    assert_eq!(
        said.json()[1]["patterns"][0]["reason"],
        "event is not valid JSON at byte 1"
    );
}

#[test]
fn a_file_may_hold_filter_criteria() {
    let path = file(
        "criteria.json",
        r#"{"Filters": [{"Pattern": "{\"a\": [1]}"}, {"Pattern": "{\"b\": [1]}"}]}"#,
    );
    let said = test(&["--pattern-file", &path, "--event", r#"{"b": 1}"#]);
    assert_eq!(said.out, "event 1: match\n");
}

#[test]
fn the_body_of_a_message_is_decoded_for_sqs() {
    let event = r#"{"messageId": "m", "body": "{\"n\": 2}"}"#;
    let arguments = ["--pattern", r#"{"body": {"n": [2]}}"#, "--event", event];
    assert!(test(&arguments).out.contains("no match"));
    assert_eq!(
        test(&[&arguments[..], &["--source", "sqs"]].concat()).out,
        "event 1: match\n"
    );
}

#[test]
fn an_operator_of_the_other_dialect_is_refused_with_the_way_out() {
    let arguments = [
        "--pattern",
        r#"{"a": [{"wildcard": "x*"}]}"#,
        "--event",
        r#"{"a": "xy"}"#,
    ];
    let said = test(&arguments);
    assert_eq!(said.code, 64);
    assert!(
        said.err.contains("Invalid filter pattern definition."),
        "{}",
        said.err
    );
    assert!(
        said.err.contains("dialect `eventbridge` has it"),
        "{}",
        said.err
    );
    let said = test(&[&arguments[..], &["--dialect", "eventbridge"]].concat());
    assert_eq!(said.out, "event 1: match\n");
}

#[test]
fn without_a_pattern_it_is_wrong_usage() {
    assert_eq!(test(&["--event", "{}"]).code, 64);
    assert_eq!(
        test(&["--pattern", PATTERN, "--dialect", "sql", "--event", "{}"]).code,
        64
    );
}

#[test]
fn cases_that_agree_are_counted() {
    let cases = concat!(
        r#"{"pattern": "{\"a\": [1]}", "event": "{\"a\": 1}", "match": true, "source": "x"}"#,
        "\n\n",
        r#"{"pattern": "{\"a\": [1]}", "event": "{\"a\": 2}", "match": false}"#,
        "\n",
        r#"{"pattern": "{\"a\": 1}", "valid": false, "why": "no list"}"#,
        "\n",
        r#"{"pattern": "{\"a\": [1]}", "valid": true}"#,
        "\n",
    );
    let said = test(&["--cases", &file("agree.jsonl", cases)]);
    assert_eq!((said.code, said.out.as_str()), (0, "4 passed, 0 failed\n"));
}

#[test]
fn every_disagreement_is_shown_and_fails_the_command() {
    let cases = concat!(
        r#"{"pattern": "{\"a\": [1]}", "event": "{\"a\": 2}", "match": true}"#,
        "\n",
        r#"{"pattern": "{\"a\": [2]}", "event": "{\"a\": 2}", "match": false}"#,
        "\n",
        r#"{"pattern": "{\"a\": [3]}", "valid": false}"#,
        "\n",
        r#"{"pattern": "{\"a\": 4}", "event": "{\"a\": 4}", "match": false}"#,
        "\n",
        r#"{"pattern": "{\"a\": [5]}", "event": "{\"a\": 5}", "match": true}"#,
        "\n",
    );
    let path = file("disagree.jsonl", cases);
    let said = test(&["--cases", &path]);
    assert_eq!(said.code, 1);
    let out = said.out;
    assert!(
        out.contains(
            "line 1: expected match, got no match\n  pattern {\"a\": [1]}\n  event   {\"a\": 2}\n"
        ),
        "{out}"
    );
    assert!(
        out.contains("field `a`: value not accepted; expected [1], found 2"),
        "{out}"
    );
    assert!(
        out.contains("line 2: expected no match, got match"),
        "{out}"
    );
    assert!(
        out.contains("line 3: expected invalid pattern, got valid pattern"),
        "{out}"
    );
    assert!(
        out.contains("line 4: expected no match, got invalid pattern"),
        "{out}"
    );
    assert!(out.ends_with("1 passed, 4 failed\n"), "{out}");

    let said = test(&["--cases", &path, "--json"]);
    let lines = said.json();
    assert_eq!(lines.len(), 5);
    assert_eq!(
        (&lines[0]["line"], &lines[0]["got"]),
        (&json!(1), &json!("no match"))
    );
    assert_eq!(lines[4], json!({ "passed": 1, "failed": 4 }));
}

#[test]
fn a_line_that_is_no_case_is_named() {
    let path = file(
        "no-case.jsonl",
        "{\"pattern\": \"{}\", \"valid\": false}\n{\"pattern\": \"{}\"}\n",
    );
    let said = test(&["--cases", &path]);
    assert_eq!(said.code, 64);
    assert!(
        said.err
            .contains("no-case.jsonl:2: is no case: must have `event` and `match`, or `valid`"),
        "{}",
        said.err
    );
}
