//! Runs the recorded cases of the reference engine, if their file is there.
#![expect(clippy::unwrap_used, reason = "helpers of tests may fail the test")]

use std::path::PathBuf;

use lambda_esm_filter::{Dialect, Filters, Limits, PatternFault, Scratch};
use serde_json::Value;

fn cases() -> Option<Vec<Value>> {
    let path = std::env::var_os("LAMBDA_ESM_FILTER_CASES").map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/filter_cases.jsonl"),
        PathBuf::from,
    );
    let Ok(text) = std::fs::read_to_string(&path) else {
        eprintln!(
            "skipped: no filter cases at {}; set LAMBDA_ESM_FILTER_CASES",
            path.display()
        );
        return None;
    };
    Some(
        text.lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect(),
    )
}

fn text<'a>(case: &'a Value, name: &str) -> &'a str {
    case[name].as_str().unwrap()
}

fn dialects(case: &Value) -> &'static [Dialect] {
    if case["op_supported_by_esm"] == true {
        &[Dialect::Lambda, Dialect::EventBridge]
    } else {
        &[Dialect::EventBridge]
    }
}

fn limits() -> Limits {
    Limits::default().with_max_pattern_chars(1 << 20)
}

/// Cuts off what follows the first JSON value: the reference engine does not look at it.
fn first_value(text: &str) -> &str {
    let mut values = serde_json::Deserializer::from_str(text).into_iter::<Value>();
    values.next().unwrap().unwrap();
    &text[..values.byte_offset()]
}

#[test]
fn verdicts_agree_with_the_reference_engine() {
    let Some(cases) = cases() else { return };
    let mut scratch = Scratch::default();
    let (mut checked, mut quirks, mut failures) = (0, 0, Vec::new());
    for case in cases.iter().filter(|case| case.get("match").is_some()) {
        let (pattern, event) = (
            first_value(text(case, "pattern")),
            first_value(text(case, "event")),
        );
        let expected = case["match"].as_bool().unwrap();
        for dialect in dialects(case) {
            let verdict = Filters::compile(&[pattern], *dialect, limits()).map(|filters| {
                let verdict = filters.is_match(event.as_bytes(), &mut scratch);
                assert_eq!(
                    verdict,
                    filters.explain(event.as_bytes()).is_match(),
                    "{pattern} {event}"
                );
                verdict
            });
            if verdict == Ok(expected) {
                checked += 1;
            } else if case.get("quirk").is_some() {
                quirks += 1;
                eprintln!(
                    "quirk decided otherwise: {} {pattern} {event}",
                    case["quirk"]
                );
            } else {
                failures.push(format!(
                    "{dialect}: {pattern} {event}: {verdict:?}, not {expected}"
                ));
            }
        }
    }
    eprintln!("{checked} verdicts agree, {quirks} quirks decided otherwise");
    assert!(
        failures.is_empty(),
        "{} wrong:\n{}",
        failures.len(),
        failures.join("\n")
    );
}

#[test]
fn text_after_a_pattern_or_an_event_is_refused() {
    let Some(cases) = cases() else { return };
    let mut scratch = Scratch::default();
    for case in cases.iter().filter(|case| case.get("match").is_some()) {
        let (pattern, event) = (text(case, "pattern"), text(case, "event"));
        let compiled = Filters::compile(&[pattern], Dialect::EventBridge, limits());
        if first_value(pattern).len() < pattern.trim_end().len() {
            let fault = compiled.unwrap_err().fault;
            assert!(
                matches!(fault, PatternFault::TrailingText { .. }),
                "{pattern}: {fault}"
            );
        } else if first_value(event).len() < event.trim_end().len() {
            assert!(
                !compiled.unwrap().is_match(event.as_bytes(), &mut scratch),
                "{event}"
            );
        }
    }
}

#[test]
fn invalid_patterns_are_refused_and_valid_ones_are_not() {
    let Some(cases) = cases() else { return };
    for case in &cases {
        let pattern = text(case, "pattern");
        match case.get("valid").and_then(Value::as_bool) {
            Some(false) => {
                for dialect in [Dialect::Lambda, Dialect::EventBridge] {
                    let error = Filters::compile(&[pattern], dialect, limits()).expect_err(pattern);
                    assert_eq!(
                        error.service_message(),
                        "Invalid filter pattern definition."
                    );
                }
            }
            Some(true) => {
                for dialect in dialects(case) {
                    Filters::compile(&[pattern], *dialect, limits()).expect(pattern);
                }
            }
            None => {}
        }
    }
}

#[test]
fn operators_lambda_does_not_document_are_refused_naming_the_dialect_that_has_them() {
    let Some(cases) = cases() else { return };
    let mut refused = 0;
    for case in cases
        .iter()
        .filter(|case| case["op_supported_by_esm"] == false)
    {
        let pattern = first_value(text(case, "pattern"));
        let error = Filters::compile(&[pattern], Dialect::Lambda, limits()).expect_err(pattern);
        assert!(
            error.to_string().contains("dialect `eventbridge` has it"),
            "{pattern}: {error}"
        );
        refused += 1;
    }
    assert!(refused > 100);
}
