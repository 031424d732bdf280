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

/// Recognises a function error that its server does not mark as one, and returns it in words.
///
/// Runtime interface emulators pass on whatever a runtime reports, with status 200 and no header: errors as
/// the document that the runtime made, timeouts as a sentence. What the documents of all runtimes have in
/// common is a text `errorType` or `errorMessage`; each adds members of its own (`stackTrace`, `trace`,
/// `requestId`, `cause`, `causes`, …), or leaves out one of the two. A payload with `batchItemFailures` or
/// `state` is a response, whatever else it has.
#[must_use]
pub fn unmarked_error(payload: &[u8]) -> Option<String> {
    const RESPONSE: [&str; 2] = ["batchItemFailures", "state"];
    let text = String::from_utf8_lossy(payload);
    if text.starts_with("Task timed out after ") {
        return Some(format!("Sandbox.Timedout: {}", first_line(&text)));
    }
    // Most payloads are a response, and end here.
    let inside = text
        .trim_ascii_start()
        .strip_prefix('{')?
        .trim_ascii_start();
    match serde_json::from_str::<HashMap<String, &RawValue>>(&text) {
        Ok(members) if RESPONSE.iter().any(|name| members.contains_key(*name)) => None,
        Ok(members) => document_words(&members),
        // .NET's document of nested exceptions is no JSON where it had to be cut.
        Err(_) => ["\"errorType\"", "\"errorMessage\""]
            .iter()
            .any(|name| inside.starts_with(name))
            .then(|| first_line(inside).to_owned()),
    }
}

/// Returns what the error document of a function says: `errorType: errorMessage`, or the one that it has;
/// `None` if it is no such document.
#[must_use]
pub fn error_words(payload: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(payload);
    document_words(&serde_json::from_str(&text).ok()?)
}

fn document_words(members: &HashMap<String, &RawValue>) -> Option<String> {
    let text = |name| match members.get(name).map(|value| value.get()) {
        None | Some("null") => Some(None),
        // A text with half a surrogate is one, too.
        Some(value) if value.starts_with('"') => Some(Some(
            serde_json::from_str(value).unwrap_or_else(|_| value.to_owned()),
        )),
        Some(_) => None,
    };
    let (kind, message): (Option<String>, Option<String>) =
        (text("errorType")?, text("errorMessage")?);
    if kind.is_none() && message.is_none() {
        return None;
    }
    let words = [kind, message].into_iter().flatten();
    let words: Vec<String> = words
        .map(|text| first_line(&text).to_owned())
        .filter(|text| !text.is_empty())
        .collect();
    if words.is_empty() {
        return Some("the function failed and did not say why".to_owned());
    }
    Some(words.join(": "))
}

fn first_line(text: &str) -> &str {
    text.trim().lines().next().unwrap_or("").trim_end()
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

    /// What the runtime clients write: read in the sources of each.
    #[test]
    fn the_error_documents_of_all_runtimes_are_errors() {
        let table = [
            (
                "Node.js",
                r#"{"errorType":"TypeError","errorMessage":"no","trace":["TypeError: no","    at f"]}"#,
                "TypeError: no",
            ),
            (
                "Python",
                r#"{"errorMessage": "no", "errorType": "ValueError", "requestId": "1", "stackTrace": ["  File"]}"#,
                "ValueError: no",
            ),
            (
                "Python, without a message",
                r#"{"errorMessage": "", "errorType": "KeyError", "requestId": "", "stackTrace": []}"#,
                "KeyError",
            ),
            (
                "Python, with nothing at all",
                r#"{"errorMessage": "", "errorType": "", "requestId": "", "stackTrace": []}"#,
                "the function failed and did not say why",
            ),
            (
                "Java",
                r#"{"errorMessage":"no","errorType":"java.lang.RuntimeException","stackTrace":["a.B.c(B.java:1)"],"cause":{"errorMessage":"x","errorType":"y"}}"#,
                "java.lang.RuntimeException: no",
            ),
            (
                "Java, older, without a message",
                r#"{"errorMessage":null,"errorType":"java.lang.NullPointerException","stackTrace":[]}"#,
                "java.lang.NullPointerException",
            ),
            (
                ".NET",
                "{\n  \"errorType\": \"AggregateException\",\n  \"errorMessage\": \"One\\r\\n two\",\n  \"stackTrace\": [\n    \"at X\"\n  ],\n  \"cause\":   {\n    \"errorType\": \"E\"\n  },\n  \"causes\": [ {\"errorType\": \"E\"} ]\n}\n",
                "AggregateException: One",
            ),
            (
                ".NET, too large",
                r#"{"errorMessage": "Exception exceeded maximum payload size of 256KB."}"#,
                "Exception exceeded maximum payload size of 256KB.",
            ),
            (
                ".NET, cut inside",
                "{\n  \"errorType\": \"A\",\n  \"cause\": {\"errorMessage\": \"cut\"}\n  \"causes\": []\n}",
                "\"errorType\": \"A\",",
            ),
            (
                "Go",
                r#"{"errorMessage":"no","errorType":"errorString"}"#,
                "errorString: no",
            ),
            (
                "Go, a panic",
                r#"{"errorMessage":"no","errorType":"string","stackTrace":[{"path":"a.go","line":1,"label":"f"}]}"#,
                "string: no",
            ),
            (
                "Ruby",
                r#"{"errorMessage":"no","errorType":"Function<RuntimeError>","stackTrace":["a.rb:1"]}"#,
                "Function<RuntimeError>: no",
            ),
            (
                "Rust",
                r#"{"errorType":"alloc::string::String","errorMessage":"no"}"#,
                "alloc::string::String: no",
            ),
            (
                "PHP (Bref)",
                r#"{"errorType":"RuntimeException","errorMessage":"no","stackTrace":["at {main}"]}"#,
                "RuntimeException: no",
            ),
            (
                "the emulator itself",
                r#"{"errorType":"Runtime.ExitError","errorMessage":"RequestId: 1 Error: Runtime exited with error: exit status 5"}"#,
                "Runtime.ExitError: RequestId: 1 Error: Runtime exited with error: exit status 5",
            ),
            (
                "the emulator, without a message",
                r#"{"errorType":"Runtime.ExitError"}"#,
                "Runtime.ExitError",
            ),
            (
                "a custom runtime with members of its own",
                r#"{"errorMessage":"no","code":17,"retryable":false,"stack":"…"}"#,
                "no",
            ),
            (
                "half a surrogate",
                r#"{"errorType":"Error","errorMessage":"\ud800"}"#,
                r#"Error: "\ud800""#,
            ),
            (
                "a timeout",
                "Task timed out after 3.00 seconds",
                "Sandbox.Timedout: Task timed out after 3.00 seconds",
            ),
        ];
        for (runtime, payload, words) in table {
            let seen = unmarked_error(payload.as_bytes());
            assert_eq!(seen.as_deref(), Some(words), "{runtime}");
        }
    }

    #[test]
    fn responses_are_no_errors() {
        for response in [
            r#"{"batchItemFailures":[]}"#,
            r#"{"batchItemFailures":[{"itemIdentifier":"a"}],"errorMessage":"one failed","errorType":"E"}"#,
            r#"{"state":{"errorMessage":"kept"},"errorMessage":"kept","errorType":"E"}"#,
            r#"{"errorType":1,"errorMessage":"b"}"#,
            r#"{"errorType":"E","errorMessage":{"text":"b"}}"#,
            r#"{"errorMessage":null}"#,
            r#"{"error":"x","message":"y"}"#,
            r#"{"results":[{"errorMessage":"x","errorType":"y"}]}"#,
            r#"[{"errorMessage":"x","errorType":"y"}]"#,
            r#""{\"errorMessage\":\"x\"}""#,
            "{}",
            "null",
            "",
            "17",
            "it says Task timed out after 3.00 seconds",
            "{broken",
        ] {
            assert_eq!(unmarked_error(response.as_bytes()), None, "{response}");
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
