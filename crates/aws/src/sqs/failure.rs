//! From the SDK's errors to ours.

use std::error::Error;

use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_sqs::config::http::HttpResponse;
use aws_sdk_sqs::error::{ProvideErrorMetadata, SdkError};
use lambda_esm_core::fault::{SourceError, SourceErrorKind};

use crate::credentials::WAY_OUT;
use crate::text::{first_line, with_causes};

/// Which call to which queue failed; for messages.
#[derive(Clone, Copy, Debug)]
pub(super) struct Call<'a> {
    /// The operation, e.g. `ReceiveMessage`.
    pub(super) operation: &'static str,
    /// The name of the queue.
    pub(super) queue: &'a str,
    /// Where SQS is: an endpoint, or a region.
    pub(super) place: &'a str,
}

impl Call<'_> {
    /// Returns the error of a call that the SDK reports as failed.
    pub(super) fn failed<E>(self, error: &SdkError<E, HttpResponse>) -> SourceError
    where
        E: ProvideErrorMetadata + Error + Send + Sync + 'static,
    {
        let Call {
            operation,
            queue,
            place,
        } = self;
        if let Some(cause) = credentials_cause(error) {
            let message = format!(
                "{operation} on queue {queue} needs AWS credentials, and there are none to use: \
                 {}; {WAY_OUT}",
                with_causes(cause)
            );
            return SourceError::new(SourceErrorKind::Denied, message);
        }
        match error {
            SdkError::ServiceError(service) => {
                let answer = service.err();
                let status = service.raw().status().as_u16();
                match (answer.code(), answer.message()) {
                    (None, None) => self.unreadable(status, &with_causes(answer)),
                    (code, text) => self.refused(code, text, Some(status)),
                }
            }
            SdkError::ResponseError(response) => {
                self.unreadable(response.raw().status().as_u16(), &with_causes(error))
            }
            SdkError::TimeoutError(_) | SdkError::DispatchFailure(_) => SourceError::new(
                SourceErrorKind::Transient,
                format!(
                    "cannot reach SQS {place} for {operation} on queue {queue}: {}",
                    with_causes(error)
                ),
            ),
            _ => SourceError::new(
                SourceErrorKind::Fatal,
                format!(
                    "cannot build {operation} for queue {queue}: {}",
                    with_causes(error)
                ),
            ),
        }
    }

    /// Returns the error of a call that got no answer in time.
    pub(super) fn unanswered(self, limit: std::time::Duration) -> SourceError {
        let Call {
            operation,
            queue,
            place,
        } = self;
        let message = format!(
            "SQS {place} did not answer {operation} on queue {queue} within {} s",
            limit.as_secs()
        );
        SourceError::new(SourceErrorKind::Transient, message)
    }

    /// Returns the error for an answer that carries an error code, of a call or of one batch entry.
    pub(super) fn refused(
        self,
        code: Option<&str>,
        text: Option<&str>,
        status: Option<u16>,
    ) -> SourceError {
        let Call {
            operation,
            queue,
            place,
        } = self;
        let kind = kind(code, text, status);
        let said = match (code, text.map(first_line)) {
            (Some(code), Some(text)) => format!("{code}: {text}"),
            (Some(code), None) => code.to_owned(),
            (None, Some(text)) => text,
            (None, None) => "no reason given".to_owned(),
        };
        let status = status.map_or_else(String::new, |status| format!(" (HTTP {status})"));
        let end = match kind {
            SourceErrorKind::Denied => {
                format!(
                    "; {WAY_OUT}, and that they allow sqs:{}",
                    permission(operation)
                )
            }
            SourceErrorKind::NotFound => {
                "; create the queue, or correct region, account and name in EventSourceArn"
                    .to_owned()
            }
            _ => String::new(),
        };
        let message =
            format!("SQS {place} refused {operation} on queue {queue}{status}: {said}{end}");
        SourceError::new(kind, message)
    }

    /// Returns the error for an answer that lacks something it must have.
    pub(super) fn incomplete(self, what: &str) -> SourceError {
        let Call {
            operation,
            queue,
            place,
        } = self;
        let message = format!("SQS {place} answered {operation} on queue {queue} without {what}");
        SourceError::new(SourceErrorKind::Transient, message)
    }

    fn unreadable(self, status: u16, cause: &str) -> SourceError {
        let Call {
            operation,
            queue,
            place,
        } = self;
        let kind = match status {
            401 | 403 => SourceErrorKind::Denied,
            429 => SourceErrorKind::Throttled,
            500.. => SourceErrorKind::Transient,
            _ => SourceErrorKind::Fatal,
        };
        let message = format!(
            "SQS {place} gave {operation} on queue {queue} an answer that cannot be read \
             (HTTP {status}): {cause}; is the endpoint really SQS?"
        );
        SourceError::new(kind, message)
    }
}

/// Sorts the error codes of SQS, in the spellings of its JSON and its query protocol (SQS API
/// reference, "Common Errors" and the errors of each operation).
fn kind(code: Option<&str>, text: Option<&str>, status: Option<u16>) -> SourceErrorKind {
    let code = code.unwrap_or("");
    // Both protocols may prefix the code with a namespace.
    let code = code.rsplit(['.', '#']).next().unwrap_or(code);
    match code {
        "NonExistentQueue" | "QueueDoesNotExist" => SourceErrorKind::NotFound,
        "ReceiptHandleIsInvalid" | "MessageNotInflight" => SourceErrorKind::Expired,
        // An old handle of a FIFO queue is refused with a general code.
        "InvalidParameterValue" if text.is_some_and(names_receipt) => SourceErrorKind::Expired,
        "RequestThrottled"
        | "RequestThrottledException"
        | "Throttling"
        | "ThrottlingException"
        | "ThrottledException"
        | "TooManyRequestsException"
        | "RequestLimitExceeded"
        | "OverLimit"
        | "KmsThrottled"
        | "SlowDown" => SourceErrorKind::Throttled,
        "AccessDenied"
        | "AccessDeniedException"
        | "InvalidClientTokenId"
        | "UnrecognizedClientException"
        | "ExpiredToken"
        | "ExpiredTokenException"
        | "InvalidAccessKeyId"
        | "InvalidSignatureException"
        | "SignatureDoesNotMatch"
        | "IncompleteSignature"
        | "IncompleteSignatureException"
        | "MissingAuthenticationToken"
        | "MissingAuthenticationTokenException"
        | "AuthFailure"
        | "InvalidSecurity"
        | "NotAuthorized"
        | "OptInRequired"
        | "RequestExpired"
        | "KmsAccessDenied"
        | "KmsDisabled"
        | "KmsInvalidState"
        | "KmsInvalidKeyUsage"
        | "KmsNotFound"
        | "KmsOptInRequired" => SourceErrorKind::Denied,
        "InternalError"
        | "InternalFailure"
        | "InternalServerError"
        | "ServiceUnavailable"
        | "ServiceUnavailableException"
        | "RequestTimeout" => SourceErrorKind::Transient,
        _ => match status {
            Some(401 | 403) => SourceErrorKind::Denied,
            Some(429) => SourceErrorKind::Throttled,
            Some(500..) => SourceErrorKind::Transient,
            _ => SourceErrorKind::Fatal,
        },
    }
}

fn names_receipt(text: &str) -> bool {
    let text = text.to_ascii_lowercase();
    text.contains("receipthandle") || text.contains("receipt handle")
}

/// The batch forms of an operation are allowed by the permission of the single one (SQS developer
/// guide, "Amazon SQS API permissions").
fn permission(operation: &str) -> &str {
    operation.strip_suffix("Batch").unwrap_or(operation)
}

fn credentials_cause<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a (dyn Error + 'static)> {
    let mut next = Some(error);
    while let Some(error) = next {
        if error.is::<CredentialsError>() {
            return Some(error);
        }
        next = error.source();
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    const CALL: Call<'static> = Call {
        operation: "DeleteMessageBatch",
        queue: "orders",
        place: "at http://here",
    };

    #[test]
    fn codes_of_both_protocols_have_a_kind() {
        use SourceErrorKind::{Denied, Expired, Fatal, NotFound, Throttled, Transient};
        let table = [
            ("AWS.SimpleQueueService.NonExistentQueue", 400, NotFound),
            ("com.amazonaws.sqs#QueueDoesNotExist", 400, NotFound),
            ("ReceiptHandleIsInvalid", 400, Expired),
            ("AWS.SimpleQueueService.MessageNotInflight", 400, Expired),
            ("RequestThrottled", 403, Throttled),
            ("ThrottlingException", 400, Throttled),
            ("OverLimit", 403, Throttled),
            ("Strange", 429, Throttled),
            ("AccessDenied", 400, Denied),
            ("ExpiredToken", 400, Denied),
            ("Strange", 403, Denied),
            ("InternalError", 500, Transient),
            ("Strange", 503, Transient),
            ("AWS.SimpleQueueService.BatchRequestTooLong", 400, Fatal),
        ];
        for (code, status, expected) in table {
            assert_eq!(
                kind(Some(code), None, Some(status)),
                expected,
                "{code} {status}"
            );
        }
    }

    #[test]
    fn an_old_receipt_under_a_general_code_is_still_expired() {
        let text = "Value r-1 for parameter ReceiptHandle is invalid. Reason: The receipt handle has expired.";
        assert_eq!(
            kind(Some("InvalidParameterValue"), Some(text), None),
            SourceErrorKind::Expired
        );
        let other = "Value 11 for parameter MaxNumberOfMessages is invalid.";
        assert_eq!(
            kind(Some("InvalidParameterValue"), Some(other), None),
            SourceErrorKind::Fatal
        );
    }

    #[test]
    fn a_refusal_says_who_what_why_and_the_way_out() {
        let error = CALL.refused(
            Some("AccessDenied"),
            Some("no.\nx-amz-security-token: S"),
            Some(403),
        );
        assert_eq!(
            error.message,
            format!(
                "SQS at http://here refused DeleteMessageBatch on queue orders (HTTP 403): \
                 AccessDenied: no.; {WAY_OUT}, and that they allow sqs:DeleteMessage"
            )
        );
    }
}
