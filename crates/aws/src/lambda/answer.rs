//! What an answer of the Lambda API means.

use std::time::Duration;

use http::StatusCode;
use lambda_esm_core::fault::{InvokeError, InvokeErrorKind};
use lambda_esm_core::response::{InvokeAnswer, Run, error_words, unmarked_error};
use serde::Deserialize;

use crate::credentials::way_out;
use crate::signed::{Answer, Unanswered};
use crate::text::first_line;

/// The longest id or version that is kept of an answer, in bytes: AWS's have 36, and a batch keeps them while it is
/// worked on.
const LONGEST_ID: usize = 256;

/// Who answers about which function; for messages.
#[derive(Clone, Debug)]
pub(super) struct Call {
    pub(super) function: String,
    pub(super) qualifier: Option<String>,
    pub(super) endpoint: String,
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

impl Call {
    /// Reads the answer to `Invoke` (Lambda API reference).
    pub(super) fn invoked(&self, answer: Answer) -> Result<InvokeAnswer, InvokeError> {
        let run = run(&answer);
        if let Some(error) = self.failure(&answer, &run) {
            return Err(error.of(run));
        }
        Ok(InvokeAnswer::new(answer.body).of(run))
    }

    fn failure(&self, answer: &Answer, run: &Run) -> Option<InvokeError> {
        if !answer.status.is_success() {
            return Some(self.refused(answer));
        }
        if let Some(how) = header(answer, "x-amz-function-error") {
            return Some(InvokeError::function(function_error(&answer.body, how)));
        }
        if self.stand_in && run.executed_version.is_none() {
            return unmarked_error(&answer.body)
                .map(|words| InvokeError::function(first_line(&words)));
        }
        None
    }

    /// Returns the error for a status other than success.
    fn refused(&self, answer: &Answer) -> InvokeError {
        if self.stand_in
            && let Some(words) = runtime_ended(answer)
        {
            return InvokeError::function(words);
        }
        let error = self.not_found_or_denied(answer);
        match error.kind {
            // Of a stand-in nobody knows whether that is for good.
            InvokeErrorKind::NotFound | InvokeErrorKind::Denied if self.stand_in => {
                let (status, may_pass) = (answer.status.as_u16(), true);
                InvokeError::new(InvokeErrorKind::refused(status, may_pass), error.message)
            }
            _ => error,
        }
    }

    /// Returns the error for a status other than success, as AWS means it.
    pub(super) fn not_found_or_denied(&self, answer: &Answer) -> InvokeError {
        let error: ServiceError = serde_json::from_slice(&answer.body).unwrap_or_default();
        let code = error_code(answer, error.code.as_deref());
        // A runtime interface emulator runs one invocation at a time, and answers so meanwhile.
        let busy = self.stand_in && answer.body.is_empty();
        let kind = match kind(answer.status, code) {
            InvokeErrorKind::Throttled { .. } => {
                InvokeErrorKind::throttled(retry_after(answer, &error))
            }
            InvokeErrorKind::Refused { status: 400, .. } if busy => {
                InvokeErrorKind::refused(400, true)
            }
            kind => kind,
        };
        InvokeError::new(kind, self.words(answer, &error, code, kind))
    }

    fn words(
        &self,
        answer: &Answer,
        error: &ServiceError,
        code: Option<&str>,
        kind: InvokeErrorKind,
    ) -> String {
        let Self {
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
        if self.stand_in
            && answer.status.is_client_error()
            && let Some(qualifier) = &self.qualifier
        {
            text.push_str(&format!(
                "; it may not know the qualifier :{qualifier}, as SAM does not: then map the function \
                 as {function}"
            ));
        }
        text
    }

    /// Returns the error for the lack of an answer to an invocation. Once the request was on its way, the
    /// function may have run.
    pub(super) fn unanswered(&self, why: Unanswered, limit: Duration) -> InvokeError {
        let Self {
            function, endpoint, ..
        } = self;
        match why {
            Unanswered::Unsent(why) => self.unsent(&why),
            Unanswered::Broken(why) => InvokeError::function(format!(
                "Lambda at {endpoint} broke the connection during function {function}: {why}"
            )),
            Unanswered::Late => InvokeError::function(format!(
                "Sandbox.Timedout: Lambda at {endpoint} did not answer for function {function} \
                 within {} s",
                limit.as_secs_f64()
            )),
            Unanswered::TooLong => InvokeError::function(format!(
                "Function.ResponseSizeTooLarge: function {function} returned more than the 6 MB \
                 that Lambda allows"
            )),
        }
    }

    /// Returns the error for the lack of an answer to a question about the function.
    pub(super) fn not_described(&self, why: Unanswered, limit: Duration) -> InvokeError {
        match why {
            Unanswered::Unsent(why) | Unanswered::Broken(why) => self.unsent(&why),
            Unanswered::Late => self.unsent(&format!("no answer within {} s", limit.as_secs_f64())),
            Unanswered::TooLong => self.unsent("its answer is too long"),
        }
    }

    /// Returns the error for a request that did not reach Lambda.
    pub(super) fn unsent(&self, why: &str) -> InvokeError {
        let Self {
            function, endpoint, ..
        } = self;
        let message = format!("cannot reach Lambda at {endpoint} for function {function}: {why}");
        InvokeError::new(InvokeErrorKind::Unavailable, message)
    }

    /// Returns the error for credentials that are not there.
    pub(super) fn unsigned(&self, why: &str) -> InvokeError {
        let Self {
            function, endpoint, ..
        } = self;
        let message = format!(
            "Lambda at {endpoint} needs AWS credentials for function {function}, and {why}"
        );
        InvokeError::new(InvokeErrorKind::Denied, message)
    }
}

/// Recognises a function error in the status of a stand-in, as runtime interface emulators answer when the
/// runtime ended: with the error document that there is, or with nothing at all if it ended in its init.
///
/// A proxy before a container that is still starting answers with a page, or says who it is; a 503 is never
/// the emulator's. A gateway that lost its patience has passed the event on.
fn runtime_ended(answer: &Answer) -> Option<String> {
    if !answer.status.is_server_error() || header(answer, "x-amzn-errortype").is_some() {
        return None;
    }
    if let Some(words) = unmarked_error(&answer.body) {
        return Some(first_line(&words));
    }
    let status = answer.status.as_u16();
    let is_proxy = ["server", "via"]
        .iter()
        .any(|name| answer.headers.contains_key(*name));
    match status {
        504 => Some(
            "Sandbox.Timedout: a gateway timed out (HTTP 504), and the function may have run"
                .to_owned(),
        ),
        500 | 502 if answer.body.is_empty() && !is_proxy => Some(format!(
            "Runtime.ExitError: the runtime ended without an answer (HTTP {status} with an empty body)"
        )),
        _ => None,
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
    let throttled = InvokeErrorKind::throttled(None);
    match (status.as_u16(), code.unwrap_or("")) {
        (429, _)
        | (_, "TooManyRequestsException" | "ThrottlingException" | "EC2ThrottledException") => {
            throttled
        }
        (413, _) | (_, "RequestTooLargeException") => InvokeErrorKind::TOO_LARGE,
        (404, _) => InvokeErrorKind::NotFound,
        (401 | 403, _)
        | (
            _,
            "UnrecognizedClientException" | "ExpiredTokenException" | "InvalidSignatureException",
        ) => InvokeErrorKind::Denied,
        // A function that is being changed or cannot reach its file system; a redirect.
        (status @ (300..=399 | 408 | 409 | 410), _) => {
            let may_pass = true;
            InvokeErrorKind::refused(status, may_pass)
        }
        (status @ 400..=499, _) => {
            let may_pass = false;
            InvokeErrorKind::refused(status, may_pass)
        }
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
    let id = |text: &&str| text.len() <= LONGEST_ID;
    let text = |name| header(answer, name).filter(id).map(str::to_owned);
    Run::default()
        .with_request_id(text("x-amzn-requestid"))
        .with_executed_version(text("x-amz-executed-version"))
}

fn header<'a>(answer: &'a Answer, name: &str) -> Option<&'a str> {
    answer.headers.get(name)?.to_str().ok()
}

/// Returns what a failed function says: `errorType: errorMessage`, or the start of its payload.
fn function_error(payload: &[u8], how: &str) -> String {
    if let Some(words) = error_words(payload) {
        return first_line(&words);
    }
    match first_line(&String::from_utf8_lossy(payload)) {
        empty if empty.is_empty() => format!("{} error without a payload", how.to_lowercase()),
        payload => payload,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_that_is_too_long_for_one_is_not_kept() {
        let of = |id: &str| {
            let mut headers = http::HeaderMap::new();
            headers.insert("x-amzn-requestid", id.parse().unwrap());
            let (status, body) = (StatusCode::OK, bytes::Bytes::new());
            run(&Answer {
                status,
                headers,
                body,
            })
            .request_id
        };
        let longest = "x".repeat(LONGEST_ID);
        assert_eq!(of(&longest), Some(longest.clone()));
        assert_eq!(of(&format!("{longest}x")), None);
    }
}
