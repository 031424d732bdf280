//! Reads the function's answer: which records of the batch failed.

use std::collections::{HashMap, HashSet};

use bytes::Bytes;
use serde_json::Value;
use serde_json::value::RawValue;

/// Which run of a function an answer or a failure comes from, as far as its backend tells.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Run {
    /// The id of the request, by which the function's own log names it.
    pub request_id: Option<String>,
    /// The version that ran: `$LATEST` or a number, also where an alias was asked for (Lambda API
    /// reference, `X-Amz-Executed-Version`).
    pub executed_version: Option<String>,
}

/// What a function answered. A payload alone is an answer, too.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct InvokeAnswer {
    /// The response payload.
    pub payload: Bytes,
    /// Which run it comes from.
    pub run: Run,
}

impl From<Bytes> for InvokeAnswer {
    fn from(payload: Bytes) -> Self {
        let run = Run::default();
        Self { payload, run }
    }
}

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
        Some(Value::Array(failures)) if failures.is_empty() => return Verdict::Success,
        Some(Value::Array(failures)) => failures,
        Some(other) => return Verdict::Invalid(format!("batchItemFailures {other} is no list")),
    };
    match find(failures, identifiers.collect()) {
        Ok(failed) => Verdict::Failed(failed),
        Err(reason) => Verdict::Invalid(reason),
    }
}

/// Returns the indexes of the records that are named; of a record that is twice in the batch, both.
fn find(failures: &[Value], identifiers: Vec<&str>) -> Result<Vec<usize>, String> {
    let known: HashSet<&str> = identifiers.iter().copied().collect();
    let mut failed = HashSet::new();
    for failure in failures {
        let identifier = match failure.get("itemIdentifier") {
            Some(Value::String(identifier)) if !identifier.is_empty() => identifier.as_str(),
            Some(Value::Null) | None => {
                return Err(format!("itemIdentifier is missing or null in {failure}"));
            }
            Some(other) => return Err(format!("itemIdentifier {other} is no identifier")),
        };
        if !known.contains(identifier) {
            return Err(format!("itemIdentifier {identifier:?} is not in the batch"));
        }
        failed.insert(identifier);
    }
    let is_failed = |(_, identifier): &(usize, &str)| failed.contains(identifier);
    let records = identifiers.into_iter().enumerate();
    Ok(records.filter(is_failed).map(|(index, _)| index).collect())
}

/// Notices the first list of failures in the answers of a function whose mapping does not look at them.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Unasked {
    noticed: bool,
}

impl Unasked {
    /// Returns how many failures the answer names, unless such a list was noticed before.
    pub(crate) fn notice(&mut self, response: &[u8]) -> Option<usize> {
        const NAME: &[u8] = b"batchItemFailures";
        if self.noticed || !response.windows(NAME.len()).any(|text| text == NAME) {
            return None;
        }
        let body: Value = serde_json::from_slice(response).ok()?;
        let named = body.get("batchItemFailures")?.as_array()?.len();
        self.noticed = named > 0;
        self.noticed.then_some(named)
    }
}

/// Reads the state from the response to an invocation of a tumbling window, byte for byte as the function
/// wrote it.
///
/// # Errors
///
/// The reason in words, if the response is not a JSON object or its `state` is missing or no object: such
/// an invocation has failed (Lambda developer guide, "Tumbling windows").
pub fn read_window_state(response: &[u8]) -> Result<Box<RawValue>, String> {
    let mut members: HashMap<String, &RawValue> = serde_json::from_slice(response)
        .map_err(|error| format!("the response of a tumbling window is no JSON object: {error}"))?;
    let Some(state) = members.remove("state") else {
        return Err("the response of a tumbling window has no `state`".to_owned());
    };
    match state.get().as_bytes().first() {
        Some(b'{') => Ok(state.to_owned()),
        _ => Err("the `state` in the response of a tumbling window is no object".to_owned()),
    }
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
    fn a_record_that_is_twice_in_the_batch_fails_twice() {
        let response = r#"{"batchItemFailures":[{"itemIdentifier":"a"}]}"#;
        let verdict = read_partial_failures(response.as_bytes(), ["a", "b", "a"].into_iter());
        assert_eq!(verdict, Verdict::Failed(vec![0, 2]));
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
            (r#"{"batchItemFailures":["a"]}"#, "missing or null"),
            (r#"{"batchItemFailures":[["a"]]}"#, "missing or null"),
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

    #[test]
    fn failures_that_nobody_asked_for_are_noticed_once() {
        let mut unasked = Unasked::default();
        for response in [
            "null",
            "{}",
            r#"{"batchItemFailures":[]}"#,
            r#""batchItemFailures""#,
            r#"{"batchItemFailures":[{"itemIdentifier":"a"}"#,
        ] {
            assert_eq!(unasked.notice(response.as_bytes()), None, "{response}");
        }
        let named = br#"{"batchItemFailures":[{"itemIdentifier":"a"},{"itemIdentifier":"b"}]}"#;
        assert_eq!(unasked.notice(named), Some(2));
        assert_eq!(unasked.notice(named), None);
    }

    #[test]
    fn the_state_of_a_window_is_kept_byte_for_byte() {
        for (response, state) in [
            (r#"{"state":{}}"#, "{}"),
            (
                "{ \"batchItemFailures\": [], \"state\" :\n{ \"a\" : 1.0e5,\"b\":[ null ] , \"\\u00fc\":1 } }",
                "{ \"a\" : 1.0e5,\"b\":[ null ] , \"\\u00fc\":1 }",
            ),
            (r#"{"st\u0061te":{"1":282},"other":"x"}"#, r#"{"1":282}"#),
            (r#"{"state":{"old":1},"state":{"new":1}}"#, r#"{"new":1}"#),
        ] {
            let read = read_window_state(response.as_bytes());
            assert_eq!(read.as_deref().map(RawValue::get), Ok(state), "{response}");
        }
    }

    #[test]
    fn a_response_without_a_state_object_says_what_is_wrong() {
        for (response, why) in [
            (&b""[..], "no JSON object"),
            (b"null", "no JSON object"),
            (b"[]", "no JSON object"),
            (b"\"text\"", "no JSON object"),
            (b"{\"state\":{}", "no JSON object"),
            (b"{\"state\":{\"a\":\"\xff\"}}", "no JSON object"),
            (b"{\"state\":{}} x", "no JSON object"),
            (b"{}", "has no `state`"),
            (b"{\"State\":{}}", "has no `state`"),
            (b"{\"batchItemFailures\":[]}", "has no `state`"),
            (b"{\"state\":null}", "no object"),
            (b"{\"state\":[{}]}", "no object"),
            (b"{\"state\":\"{}\"}", "no object"),
            (b"{\"state\":1}", "no object"),
        ] {
            let reason = read_window_state(response).expect_err("refused");
            assert!(reason.contains(why), "{response:?}: {reason}");
        }
    }
}
