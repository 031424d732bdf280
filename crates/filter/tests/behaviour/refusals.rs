//! Patterns that are refused, and what the refusal says.

use crate::common::fault;
use lambda_esm_filter::{Dialect, Filters, Limits, PatternError, PatternFault};

fn refusal(patterns: &[&str]) -> PatternError {
    Filters::compile(patterns, Dialect::Lambda, Limits::default()).unwrap_err()
}

#[test]
fn patterns_the_service_was_seen_to_refuse_are_refused_in_its_words() {
    for pattern in [
        "null",
        "simple string",
        r#"{"eventSource":"aws:sqs"}"#,
        r#"{"eventSource":[]}"#,
        "single-string",
        r#"[{"eventName": ["INSERT"=123}]"#,
        "",
        "[]",
        "{}",
        r#"{"body":"plain-string"}"#,
    ] {
        assert_eq!(
            refusal(&[pattern]).service_message(),
            "Invalid filter pattern definition.",
            "{pattern}"
        );
    }
}

#[test]
fn the_refusal_names_filter_field_value_and_way_out() {
    let error = refusal(&[
        r#"{"body":{"a":["x"]}}"#,
        r#"{"body":{"n":{"m":[{"numeric":["=","x"]}]}}}"#,
    ]);
    assert_eq!((error.index, error.path.as_str()), (1, "body.n.m"));
    let text = error.to_string();
    assert!(
        text.starts_with(
            r#"filter 1, field `body.n.m`: operator `numeric` has operand ["=","x"], must be"#
        ),
        "{text}"
    );
    assert_eq!(
        refusal(&[r#"{"eventSource":"aws:sqs"}"#]).to_string(),
        r#"filter 0, field `eventSource`: value "aws:sqs" must be in a list: ["aws:sqs"]"#
    );
}

#[test]
fn structure_faults_are_told_apart() {
    assert_eq!(fault("null"), PatternFault::NotAnObject { found: "null" });
    assert_eq!(fault("nope"), PatternFault::NotJson { at: 0 });
    assert_eq!(fault(r#"{"a":["x"],}"#), PatternFault::NotJson { at: 11 });
    assert_eq!(
        fault(r#"{"a":["x"]}, "b":["y"]}"#),
        PatternFault::TrailingText { at: 11 }
    );
    assert_eq!(fault("{}"), PatternFault::EmptyObject);
    assert_eq!(fault(r#"{"a":{}}"#), PatternFault::EmptyObject);
    assert_eq!(fault(r#"{"a":[]}"#), PatternFault::EmptyList);
    assert_eq!(fault(r#"{"a":[["x"]]}"#), PatternFault::NestedList);
    assert_eq!(
        fault(r#"{"a":null}"#),
        PatternFault::NotInList {
            found: "null".to_owned()
        }
    );
}

#[test]
fn or_needs_two_objects_without_reserved_names() {
    for pattern in [
        r#"{"$or":[]}"#,
        r#"{"$or":[{"a":["x"]}]}"#,
        r#"{"$or":{"a":["x"]}}"#,
        r#"{"$or":["a","b"]}"#,
        r#"{"$or":[{"a":["x"]},["y"]]}"#,
        r#"{"$or":"x"}"#,
    ] {
        assert!(
            matches!(fault(pattern), PatternFault::Or { .. }),
            "{pattern}"
        );
    }
    for pattern in [
        r#"{"$or":[{"prefix":["x"]},{"a":["y"]}]}"#,
        r#"{"$or":[{"a":{"b":{"cidr":["x"]}}},{"a":["y"]}]}"#,
        r#"{"$or":[{"a":["y"]},{"regex":{"b":["x"]}}]}"#,
    ] {
        assert!(
            matches!(fault(pattern), PatternFault::ReservedName { .. }),
            "{pattern}"
        );
    }
    assert_eq!(
        fault(r#"{"$or":[{"a":["x"]},{}]}"#),
        PatternFault::EmptyObject
    );
    Filters::compile(
        &[r#"{"prefix":["x"],"numeric":["y"]}"#],
        Dialect::Lambda,
        Limits::default(),
    )
    .unwrap();
}

#[test]
fn combinations_of_or_are_bounded() {
    let or = |depth: usize| {
        (0..depth).fold("[1]".to_owned(), |inner, level| {
            format!(r#"{{"$or":[{{"a{level}":[1]}},{{"b{level}":[1]}}],"c{level}":{inner}}}"#)
        })
    };
    let pattern = |depth| format!(r#"{{"x":{}}}"#, or(depth));
    let limits = Limits::default().with_max_pattern_chars(100_000);
    Filters::compile(&[pattern(9)], Dialect::Lambda, limits).unwrap();
    let error = Filters::compile(&[pattern(10)], Dialect::Lambda, limits).unwrap_err();
    assert_eq!(error.fault, PatternFault::TooManyAlternatives { max: 1000 });
}

#[test]
fn the_number_of_filters_is_limited() {
    let pattern = r#"{"a":["x"]}"#;
    Filters::compile(&[pattern; 5], Dialect::Lambda, Limits::default()).unwrap();
    let error = refusal(&[pattern; 6]);
    assert_eq!(
        error.fault,
        PatternFault::TooManyFilters { count: 6, max: 5 }
    );
    assert_ne!(
        error.service_message(),
        "Invalid filter pattern definition."
    );
    let raised = Limits::default().with_max_filters(10);
    Filters::compile(&[pattern; 10], Dialect::Lambda, raised).unwrap();
}

#[test]
fn the_length_of_a_pattern_is_limited_in_characters() {
    let pattern = |length: usize| format!(r#"{{"a":["{}"]}}"#, "é".repeat(length - 10));
    Filters::compile(&[pattern(4096)], Dialect::Lambda, Limits::default()).unwrap();
    let error = Filters::compile(&[pattern(4097)], Dialect::Lambda, Limits::default()).unwrap_err();
    assert_eq!(
        error.fault,
        PatternFault::TooLong {
            chars: 4097,
            max: 4096
        }
    );
}

#[test]
fn dialects_are_named() {
    for dialect in [Dialect::Lambda, Dialect::EventBridge] {
        assert_eq!(dialect.to_string().parse(), Ok(dialect));
    }
    let error = "ruler".parse::<Dialect>().unwrap_err();
    assert_eq!(
        error.to_string(),
        "unknown filter dialect `ruler`; use `lambda` or `eventbridge`"
    );
}
