//! What an answer of the Lambda API means.

use std::time::Duration;

use http::StatusCode;
use lambda_esm_core::fault::{InvokeError, InvokeErrorKind};
use lambda_esm_core::response::{InvokeAnswer, Run};
use serde::Deserialize;

use super::http::{Answer, Unanswered};
use crate::credentials::way_out;
use crate::text::first_line;

/// Who answers about which function; for messages.
#[derive(Clone, Copy, Debug)]
pub(super) struct Call<'a> {
    pub(super) function: &'a str,
    pub(super) endpoint: &'a str,
    /// Whether the endpoint stands in for AWS, and may be less exact.
    pub(super) stand_in: bool,
}

/// The body of a service error, in the spellings of AWS and of those who stand in for it.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct ServiceError {
    #[serde(alias = "Message")]
    message: Option<String>,
    #[serde(rename = "__type", alias = "code", alias = "Code")]
    code: Option<String>,
    #[serde(rename = "Reason")]
    reason: Option<String>,
    #[serde(rename = "retryAfterSeconds")]
    retry_after: Option<String>,
}

/// The payload of a function that failed (Lambda developer guide, "Function errors").
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct FunctionError {
    error_type: Option<String>,
    error_message: Option<String>,
}

impl Call<'_> {
    /// Reads the answer to `Invoke` (Lambda API reference).
    pub(super) fn invoked(self, answer: Answer) -> Result<InvokeAnswer, InvokeError> {
        let run = run(&answer);
        if !answer.status.is_success() {
            return Err(self.refused(&answer).of(run));
        }
        if let Some(how) = header(&answer, "x-amz-function-error") {
            return Err(InvokeError::function(function_error(&answer.body, how)).of(run));
        }
        if self.stand_in
            && run.executed_version.is_none()
            && let Some(message) = unmarked_error(&answer.body)
        {
            return Err(InvokeError::function(message).of(run));
        }
        Ok(InvokeAnswer {
            payload: answer.body,
            run,
        })
    }

    /// Returns the error for a status other than success.
    pub(super) fn refused(self, answer: &Answer) -> InvokeError {
        let status = answer.status;
        // A runtime interface emulator answers so when the runtime failed before it could respond.
        if self.stand_in
            && status.is_server_error()
            && error_code(answer, None).is_none()
            && let Some(message) = unmarked_error(&answer.body)
        {
            return InvokeError::function(message);
        }
        let error: ServiceError = serde_json::from_slice(&answer.body).unwrap_or_default();
        let code = error_code(answer, error.code.as_deref());
        let busy = self.stand_in && status == StatusCode::BAD_REQUEST && answer.body.is_empty();
        let kind = match kind(status, code) {
            InvokeErrorKind::Throttled { .. } => InvokeErrorKind::Throttled {
                retry_after: retry_after(answer, &error),
            },
            // A runtime interface emulator runs one invocation at a time, and answers so meanwhile.
            InvokeErrorKind::Unavailable if busy => {
                InvokeErrorKind::Throttled { retry_after: None }
            }
            kind => kind,
        };
        InvokeError::new(kind, self.words(answer, &error, code, kind))
    }

    fn words(
        self,
        answer: &Answer,
        error: &ServiceError,
        code: Option<&str>,
        kind: InvokeErrorKind,
    ) -> String {
        let Call {
            function, endpoint, ..
        } = self;
        let mut text = format!(
            "Lambda at {endpoint} answered HTTP {} for function {function}",
            answer.status.as_u16()
        );
        let message = error.message.as_deref().map(first_line);
        let parts = [
            code.map(str::to_owned),
            error.reason.as_deref().map(first_line),
            message,
        ];
        for part in parts.into_iter().flatten().filter(|part| !part.is_empty()) {
            text.push_str(": ");
            text.push_str(&part);
        }
        match kind {
            InvokeErrorKind::Denied => {
                text.push_str("; ");
                text.push_str(way_out(!self.stand_in));
                text.push_str("; see that they allow lambda:InvokeFunction");
            }
            InvokeErrorKind::NotFound => {
                text.push_str("; create the function, or correct its name or the endpoint");
            }
            _ => {}
        }
        text
    }

    /// Returns the error for the lack of an answer.
    pub(super) fn unanswered(self, why: Unanswered, limit: Duration) -> InvokeError {
        let Call {
            function, endpoint, ..
        } = self;
        let message = match why {
            Unanswered::Broken(why) => {
                format!("cannot reach Lambda at {endpoint} for function {function}: {why}")
            }
            Unanswered::Late => format!(
                "Lambda at {endpoint} did not answer for function {function} within {} s",
                limit.as_secs_f64()
            ),
            Unanswered::TooLong => {
                return InvokeError::function(format!(
                    "Function.ResponseSizeTooLarge: function {function} returned more than the \
                     6 MB that Lambda allows"
                ));
            }
        };
        InvokeError::new(InvokeErrorKind::Unavailable, message)
    }

    /// Returns the error for credentials that are not there.
    pub(super) fn unsigned(self, why: &str) -> InvokeError {
        let Call {
            function, endpoint, ..
        } = self;
        let message = format!(
            "Lambda at {endpoint} needs AWS credentials for function {function}, and {why}"
        );
        InvokeError::new(InvokeErrorKind::Denied, message)
    }
}

/// Tells whether the answer says in Lambda's own words that there is no such function. A server that
/// does not know the operation answers 404, too.
pub(super) fn says_no_such_function(answer: &Answer) -> bool {
    let error: ServiceError = serde_json::from_slice(&answer.body).unwrap_or_default();
    let code = error_code(answer, error.code.as_deref());
    answer.status == StatusCode::NOT_FOUND
        && code.is_some_and(|code| code.starts_with("ResourceNotFound"))
}

/// Sorts the errors of `Invoke` (Lambda API reference, "Invoke: Errors").
fn kind(status: StatusCode, code: Option<&str>) -> InvokeErrorKind {
    let throttled = InvokeErrorKind::Throttled { retry_after: None };
    match (status.as_u16(), code.unwrap_or("")) {
        (429, _)
        | (_, "TooManyRequestsException" | "ThrottlingException" | "EC2ThrottledException") => {
            throttled
        }
        (413, _) | (_, "RequestTooLargeException") => InvokeErrorKind::TooLarge,
        (404, _) => InvokeErrorKind::NotFound,
        (401 | 403, _)
        | (
            _,
            "UnrecognizedClientException" | "ExpiredTokenException" | "InvalidSignatureException",
        ) => InvokeErrorKind::Denied,
        // Among the 5xx are those of a function that cannot start as it is configured, such as
        // InvalidRuntimeException; it never sees the batch either.
        _ => InvokeErrorKind::Unavailable,
    }
}

/// Returns the error code without namespace and link.
fn error_code<'a>(answer: &'a Answer, in_body: Option<&'a str>) -> Option<&'a str> {
    let code = header(answer, "x-amzn-errortype").or(in_body)?;
    let code = code.split(':').next().unwrap_or(code);
    let code = code.rsplit('#').next().unwrap_or(code).trim();
    (!code.is_empty()).then_some(code)
}

fn retry_after(answer: &Answer, error: &ServiceError) -> Option<Duration> {
    let seconds = header(answer, "retry-after").or(error.retry_after.as_deref())?;
    Duration::try_from_secs_f64(seconds.trim().parse().ok()?).ok()
}

/// Returns which run the answer is of (Lambda API reference, "Invoke: Response Elements").
fn run(answer: &Answer) -> Run {
    let text = |name| header(answer, name).map(str::to_owned);
    Run {
        request_id: text("x-amzn-requestid"),
        executed_version: text("x-amz-executed-version"),
    }
}

fn header<'a>(answer: &'a Answer, name: &str) -> Option<&'a str> {
    answer.headers.get(name)?.to_str().ok()
}

/// Returns what a failed function says: `errorType: errorMessage`, or the start of its payload.
fn function_error(payload: &[u8], how: &str) -> String {
    match serde_json::from_slice(payload) {
        Ok(FunctionError {
            error_type: Some(kind),
            error_message: Some(text),
        }) => {
            format!("{}: {}", first_line(&kind), first_line(&text))
        }
        Ok(
            FunctionError {
                error_type: Some(text),
                ..
            }
            | FunctionError {
                error_message: Some(text),
                ..
            },
        ) => first_line(&text),
        _ => match first_line(&String::from_utf8_lossy(payload)) {
            empty if empty.is_empty() => format!("{} error without a payload", how.to_lowercase()),
            payload => payload,
        },
    }
}

/// Recognises a function error that the server did not mark as one.
///
/// Runtime interface emulators send neither header nor status for it: errors come as the payload that
/// runtimes report them with, timeouts as a sentence. Neither shape has a meaning in a response to an
/// event source mapping.
fn unmarked_error(payload: &[u8]) -> Option<String> {
    const TIMEOUT: &[u8] = b"Task timed out after ";
    const MEMBERS: [&str; 6] = [
        "errorType",
        "errorMessage",
        "requestId",
        "stackTrace",
        "trace",
        "cause",
    ];
    if payload.starts_with(TIMEOUT) {
        return Some(format!(
            "Sandbox.Timedout: {}",
            first_line(&String::from_utf8_lossy(payload))
        ));
    }
    // Most payloads are a success, and end here.
    if payload.trim_ascii_start().first() != Some(&b'{') {
        return None;
    }
    let members: serde_json::Map<String, serde_json::Value> =
        serde_json::from_slice(payload).ok()?;
    let is_text = |name: &str| members.get(name).is_some_and(serde_json::Value::is_string);
    let known = |name: &String| MEMBERS.contains(&name.as_str());
    (is_text("errorType") && is_text("errorMessage") && members.keys().all(known))
        .then(|| function_error(payload, "Unhandled"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_exact_shape_of_an_error_is_one() {
        let error =
            br#"{"errorMessage":"boom","errorType":"ValueError","requestId":"1","stackTrace":[]}"#;
        assert_eq!(unmarked_error(error).unwrap(), "ValueError: boom");
        let node = br#" {"errorType":"Error","errorMessage":"boom","trace":["Error: boom"]}"#;
        assert_eq!(unmarked_error(node).unwrap(), "Error: boom");
        let late = b"Task timed out after 3.00 seconds";
        assert_eq!(
            unmarked_error(late).unwrap(),
            "Sandbox.Timedout: Task timed out after 3.00 seconds"
        );
        for success in [
            &br#"{"batchItemFailures":[]}"#[..],
            br#"{"errorMessage":"kept in our own records"}"#,
            br#"{"errorType":"a","errorMessage":"b","ok":true}"#,
            br#"{"errorType":1,"errorMessage":"b"}"#,
            b"null",
            b"",
        ] {
            assert_eq!(
                unmarked_error(success),
                None,
                "{}",
                String::from_utf8_lossy(success)
            );
        }
    }
}
