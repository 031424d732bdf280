//! Function errors: documents that runtimes make, and what stands in for one.

use serde_json::value::RawValue;

use super::members::members;

const KIND: &str = "errorType";
const MESSAGE: &str = "errorMessage";

/// Recognises a function error that its server does not mark as one, and returns it in words.
///
/// Runtime interface emulators pass on whatever a runtime reports, with status 200 and no header: errors as
/// the document that the runtime made, timeouts as a sentence. What the documents of all runtimes have in
/// common is a text `errorType` or `errorMessage`; each adds members of its own (`stackTrace`, `trace`,
/// `requestId`, `cause`, `causes`, …), or leaves out one of the two. A payload with `batchItemFailures` or
/// `state` is a response, whatever else it has.
#[must_use]
pub fn unmarked_error(payload: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(payload);
    if text.starts_with("Task timed out after ") {
        return Some(format!("Sandbox.Timedout: {}", first_line(&text)));
    }
    // Most payloads are a response, and end here.
    let inside = text
        .trim_ascii_start()
        .strip_prefix('{')?
        .trim_ascii_start();
    match members(
        text.as_bytes(),
        [KIND, MESSAGE, "batchItemFailures", "state"],
    ) {
        Ok([_, _, Some(_), _] | [_, _, _, Some(_)]) => None,
        Ok([kind, message, ..]) => document_words(kind, message),
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
    let [kind, message] = members(text.as_bytes(), [KIND, MESSAGE]).ok()?;
    document_words(kind, message)
}

/// Returns the texts `errorType` and `errorMessage` of an error that a runtime reports, each if it is there and a
/// text.
#[must_use]
pub fn error_texts(report: &[u8]) -> [Option<String>; 2] {
    let found = members(report, [KIND, MESSAGE]).unwrap_or_default();
    found.map(|value| serde_json::from_str(value?.get()).ok())
}

fn document_words(kind: Option<&RawValue>, message: Option<&RawValue>) -> Option<String> {
    let text = |value: Option<&RawValue>| match value.map(RawValue::get) {
        None | Some("null") => Some(None),
        // A text with half a surrogate is one, too.
        Some(value) if value.starts_with('"') => Some(Some(
            serde_json::from_str(value).unwrap_or_else(|_| value.to_owned()),
        )),
        Some(_) => None,
    };
    let (kind, message): (Option<String>, Option<String>) = (text(kind)?, text(message)?);
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

#[cfg(test)]
mod tests {
    use super::*;

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
}
