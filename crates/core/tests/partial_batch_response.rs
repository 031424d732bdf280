//! Partial batch responses of every shape are read as by a reader that keeps the whole document.

use std::collections::HashSet;

use lambda_esm_core::response::{Verdict, read_partial_failures};
use proptest::prelude::*;
use serde_json::Value;

const BATCH: [&str; 4] = ["a", "b", "c", "a"];

/// Reads the response by keeping all of it. Reasons are in no words but those of the JSON reader.
fn simple(response: &[u8]) -> Verdict {
    let invalid = || Verdict::Invalid(String::new());
    if response.iter().all(u8::is_ascii_whitespace) {
        return Verdict::Success;
    }
    let body: Value = match serde_json::from_slice(response) {
        Ok(body) => body,
        Err(error) => return Verdict::Invalid(error.to_string()),
    };
    let failures = match body.get("batchItemFailures") {
        None | Some(Value::Null) => return Verdict::Success,
        Some(Value::Array(failures)) if failures.is_empty() => return Verdict::Success,
        Some(Value::Array(failures)) => failures,
        Some(_) => return invalid(),
    };
    let mut failed = HashSet::new();
    for failure in failures {
        match failure.get("itemIdentifier").and_then(Value::as_str) {
            Some(identifier) if BATCH.contains(&identifier) => failed.insert(identifier),
            _ => return invalid(),
        };
    }
    let is_failed = |index: &usize| failed.contains(BATCH[*index]);
    Verdict::Failed((0..BATCH.len()).filter(is_failed).collect())
}

#[track_caller]
fn read_alike(response: &[u8]) {
    let text = String::from_utf8_lossy(response);
    let read = read_partial_failures(response, BATCH.into_iter());
    match (read, simple(response)) {
        (Verdict::Invalid(words), Verdict::Invalid(cause)) => {
            let (json, begin) = (!cause.is_empty(), "the response is not JSON: ");
            assert_eq!(words.starts_with(begin), json, "{text}: {words}, {cause}");
            assert!(words.ends_with(&cause), "{text}: {words}, {cause}");
        }
        (read, simple) => assert_eq!(read, simple, "{text}"),
    }
}

fn one_of(texts: &'static [&'static str]) -> impl Strategy<Value = String> + Clone {
    proptest::sample::select(texts).prop_map(str::to_owned)
}

/// JSON in which what counts is often there, in its place and elsewhere, and written in several ways.
fn json() -> impl Strategy<Value = String> {
    let name = one_of(&[
        r#""batchItemFailures""#,
        r#""batchItemFailure\u0073""#,
        r#""itemIdentifier""#,
        r#""item\u0049dentifier""#,
        r#""other""#,
        r#""""#,
        r#""\ud83d\ude00""#,
        r#""half \ud800""#,
    ]);
    let leaf = one_of(&[
        r#""a""#,
        r#""\u0062""#,
        r#""c""#,
        r#""d""#,
        r#""é""#,
        r#""""#,
        r#""\ud800""#,
        "null",
        "true",
        "0",
        "-1.5e3",
        "1e999",
        "18446744073709551616",
        "01",
        "[]",
        "{}",
    ]);
    leaf.prop_recursive(5, 40, 4, move |value| {
        let list = proptest::collection::vec(value.clone(), 0..4);
        let object = proptest::collection::vec((name.clone(), value), 0..4);
        let member = |(name, value)| format!("{name} :{value}");
        prop_oneof![
            list.prop_map(|items| format!("[{}]", items.join(", "))),
            object.prop_map(move |members| {
                let members: Vec<String> = members.into_iter().map(member).collect();
                format!("{{{}}}", members.join(","))
            }),
        ]
    })
}

/// A response with two lists at most, so that the last one must count.
fn response() -> impl Strategy<Value = String> {
    let item = prop_oneof![
        4 => one_of(&["a", "b", "c", "a"]).prop_map(|id| format!(r#"{{"itemIdentifier":"{id}"}}"#)),
        1 => json(),
    ];
    let list = proptest::collection::vec(item, 0..5);
    let list = list.prop_map(|items| format!(r#""batchItemFailures":[{}]"#, items.join(",")));
    let other = json().prop_map(|value| format!(r#""other":{value}"#));
    let members = proptest::collection::vec(prop_oneof![list, other], 0..4);
    members.prop_map(|members| format!("{{{}}}", members.join(",")))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_000))]

    #[test]
    fn random_json_is_read_alike(json in json()) {
        read_alike(json.as_bytes());
    }

    #[test]
    fn random_responses_are_read_alike(response in response()) {
        read_alike(response.as_bytes());
    }

    #[test]
    fn damaged_responses_are_read_alike(
        response in response(), at in any::<proptest::sample::Index>(), byte in any::<u8>(), cut in any::<bool>(),
    ) {
        let mut bytes = response.into_bytes();
        let at = at.index(bytes.len());
        bytes[at] = byte;
        if cut {
            bytes.truncate(at);
        }
        read_alike(&bytes);
    }
}

#[test]
fn a_response_may_nest_as_deep_as_one_that_is_kept() {
    for depth in [1, 120, 124, 125, 126, 127, 128, 129, 5_000] {
        let (open, close) = ("[".repeat(depth), "]".repeat(depth));
        for (before, after) in [
            ("", ""),
            (r#"{"other":"#, "}"),
            (r#"{"batchItemFailures":"#, "}"),
            (r#"{"batchItemFailures":[{"itemIdentifier":"#, "}]}"),
            (r#"{"batchItemFailures":[{"itemIdentifier":"a","b":"#, "}]}"),
        ] {
            read_alike(format!("{before}{open}{close}{after}").as_bytes());
        }
    }
}
