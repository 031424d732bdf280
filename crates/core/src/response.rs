//! Reads the function's answer: which records of the batch failed.

use std::collections::{HashMap, HashSet};

use serde::Deserialize;
use serde_json::Value;

/// What a partial batch response says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Every record was processed.
    Success,
    /// These records failed, by index in the batch, in ascending order; the others were processed.
    Failed(Vec<usize>),
    /// The answer makes the whole batch a failure, for the reason given.
    Invalid(String),
}

#[derive(Deserialize)]
struct Failure {
    #[serde(rename = "itemIdentifier")]
    item_identifier: Option<Value>,
}

/// Reads the response to a batch whose mapping has `ReportBatchItemFailures`.
///
/// Success is an empty body, `null`, `""`, `[]`, `{}`, and an absent, null or empty
/// `batchItemFailures` (Lambda developer guide, "Implementing partial batch responses"; recorded). An
/// identifier that is missing, null, empty, no string, or not of this batch makes the whole batch fail,
/// and so does a body that is not JSON or a list of another shape. Any other JSON value (a number, a
/// non-empty string or array) names no failures, and counts as a success.
#[must_use]
pub fn read_partial_failures<'a>(
    response: &[u8],
    identifiers: impl Iterator<Item = &'a str>,
) -> Verdict {
    if response.iter().all(u8::is_ascii_whitespace) {
        return Verdict::Success;
    }
    let body: Value = match serde_json::from_slice(response) {
        Ok(body) => body,
        Err(error) => return Verdict::Invalid(format!("the response is not JSON: {error}")),
    };
    let failures = match body.get("batchItemFailures") {
        None | Some(Value::Null) => return Verdict::Success,
        Some(failures) => match Vec::<Failure>::deserialize(failures) {
            Ok(failures) if failures.is_empty() => return Verdict::Success,
            Ok(failures) => failures,
            Err(error) => return Verdict::Invalid(format!("batchItemFailures: {error}")),
        },
    };
    find(&failures, identifiers)
}

fn find<'a>(failures: &[Failure], identifiers: impl Iterator<Item = &'a str>) -> Verdict {
    let indexes: HashMap<&str, usize> = identifiers
        .enumerate()
        .map(|(index, identifier)| (identifier, index))
        .collect();
    let mut failed = HashSet::new();
    for failure in failures {
        let identifier = match &failure.item_identifier {
            Some(Value::String(identifier)) if !identifier.is_empty() => identifier,
            Some(other) => {
                return Verdict::Invalid(format!("itemIdentifier {other} is no identifier"));
            }
            None => return Verdict::Invalid("itemIdentifier is missing or null".to_owned()),
        };
        match indexes.get(identifier.as_str()) {
            Some(&index) => failed.insert(index),
            None => {
                return Verdict::Invalid(format!(
                    "itemIdentifier {identifier:?} is not in the batch"
                ));
            }
        };
    }
    let mut failed: Vec<usize> = failed.into_iter().collect();
    failed.sort_unstable();
    Verdict::Failed(failed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(response: &str) -> Verdict {
        read_partial_failures(response.as_bytes(), ["a", "b", "c"].into_iter())
    }

    #[test]
    fn answers_without_failures_are_a_success() {
        for response in [
            "",
            " \n",
            "null",
            "\"\"",
            "[]",
            "{}",
            "{\"batchItemFailures\":[]}",
            "{\"batchItemFailures\":null}",
            "{\"other\":1}",
            "17",
            "\"done\"",
        ] {
            assert_eq!(read(response), Verdict::Success, "{response}");
        }
    }

    #[test]
    fn named_records_fail_in_batch_order_and_once() {
        let response = r#"{"batchItemFailures":[{"itemIdentifier":"c"},{"itemIdentifier":"a"},
            {"itemIdentifier":"c","extra":true}]}"#;
        assert_eq!(read(response), Verdict::Failed(vec![0, 2]));
    }

    #[test]
    fn malformed_answers_fail_the_whole_batch_and_say_why() {
        for (response, why) in [
            ("{", "not JSON"),
            ("plain text", "not JSON"),
            (
                r#"{"batchItemFailures":[{"itemIdentifier":""}]}"#,
                "no identifier",
            ),
            (
                r#"{"batchItemFailures":[{"itemIdentifier":null}]}"#,
                "missing or null",
            ),
            (
                r#"{"batchItemFailures":[{"itemIdentifier":123}]}"#,
                "no identifier",
            ),
            (
                r#"{"batchItemFailures":[{"foo":"notvalid"}]}"#,
                "missing or null",
            ),
            (r#"{"batchItemFailures":[{"foo":null}]}"#, "missing or null"),
            (
                r#"{"batchItemFailures":[{"itemIdentifier":"z"}]}"#,
                "not in the batch",
            ),
            (r#"{"batchItemFailures":["a"]}"#, "batchItemFailures"),
            (r#"{"batchItemFailures":"a"}"#, "batchItemFailures"),
            (
                r#"{"batchItemFailures":[{"itemIdentifier":"a"},{"itemIdentifier":"z"}]}"#,
                "not in",
            ),
        ] {
            match read(response) {
                Verdict::Invalid(reason) => assert!(reason.contains(why), "{response}: {reason}"),
                other => panic!("{response}: {other:?}"),
            }
        }
    }
}
