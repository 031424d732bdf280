//! From the errors of any SDK client to ours.

use std::error::Error;
use std::time::Duration;

use aws_credential_types::provider::error::CredentialsError;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use lambda_esm_core::fault::{SourceError, SourceErrorKind};
use lambda_esm_engine::patience::within;

use crate::credentials::{unsigned, way_out};
use crate::service_endpoint::ServiceEndpoint;
use crate::text::{first_line, with_causes};

/// What error messages say about a service, and which error codes are its own.
#[derive(Debug)]
pub(crate) struct Service {
    /// Its name in messages, e.g. `SQS`.
    pub(crate) name: &'static str,
    /// What its resources are called, e.g. `queue`.
    pub(crate) resource: &'static str,
    /// What to do if there is no such resource; ends error messages.
    pub(crate) missing: &'static str,
    /// What IAM calls it in permissions, e.g. `sqs`.
    pub(crate) permissions: &'static str,
    /// Sorts the error codes that only this service has, or that mean something else here. The code
    /// comes without a namespace in front and without `Exception` at its end.
    pub(crate) own: fn(code: &str, text: Option<&str>) -> Option<SourceErrorKind>,
}

/// Which call failed; for messages.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Call<'a> {
    /// The service called.
    pub(crate) service: &'static Service,
    /// The operation, e.g. `ReceiveMessage`.
    pub(crate) operation: &'static str,
    /// The name of the queue, stream, topic or bucket.
    pub(crate) resource: &'a str,
    /// Where the service is.
    pub(crate) endpoint: &'a ServiceEndpoint,
}

impl Call<'_> {
    /// Waits for the answer of an SDK client, at most for `limit`.
    pub(crate) async fn within<T, E>(
        self,
        limit: Duration,
        answer: impl Future<Output = Result<T, SdkError<E, HttpResponse>>>,
    ) -> Result<T, SourceError>
    where
        E: ProvideErrorMetadata + Error + Send + Sync + 'static,
    {
        match within(limit, answer).await {
            None => Err(self.unanswered(limit)),
            Some(answer) => answer.map_err(|error| self.failed(&error)),
        }
    }

    /// Returns the error of a call that the SDK reports as failed.
    pub(crate) fn failed<E>(self, error: &SdkError<E, HttpResponse>) -> SourceError
    where
        E: ProvideErrorMetadata + Error + Send + Sync + 'static,
    {
        let name = self.service.name;
        let place = self.endpoint;
        if let Some(cause) = credentials_cause(error) {
            let why = unsigned(cause, place.is_aws());
            let what = self.what();
            let message = format!("{name} {place} needs AWS credentials for {what}, and {why}");
            return SourceError::new(SourceErrorKind::Denied, message);
        }
        match error {
            SdkError::ServiceError(service) => {
                let answer = service.err();
                let (status, body) = parts(service.raw());
                match (answer.code(), answer.message()) {
                    (None, None) => self.unreadable(status, body, &with_causes(answer)),
                    (code, text) => self.refused(code, text, status),
                }
            }
            SdkError::ResponseError(response) => {
                let (status, body) = parts(response.raw());
                self.unreadable(status, body, &with_causes(error))
            }
            SdkError::TimeoutError(_) | SdkError::DispatchFailure(_) => SourceError::new(
                SourceErrorKind::Transient,
                format!(
                    "cannot reach {name} {place} for {}: {}",
                    self.what(),
                    with_causes(error)
                ),
            ),
            _ => SourceError::new(
                SourceErrorKind::Fatal,
                format!("cannot build {}: {}", self.what(), with_causes(error)),
            ),
        }
    }

    /// Returns the error of a call that got no answer in time.
    pub(crate) fn unanswered(self, limit: Duration) -> SourceError {
        let message = format!(
            "{} {} did not answer {} within {} s",
            self.service.name,
            self.endpoint,
            self.what(),
            limit.as_secs()
        );
        SourceError::new(SourceErrorKind::Transient, message)
    }

    /// Returns the error for an answer that carries an error code, of a call or of one batch entry.
    pub(crate) fn refused(
        self,
        code: Option<&str>,
        text: Option<&str>,
        status: Option<u16>,
    ) -> SourceError {
        let kind = self.kind(code, text, status);
        let said = match (code, text.map(first_line)) {
            (Some(code), Some(text)) => format!("{code}: {text}"),
            (Some(code), None) => code.to_owned(),
            (None, Some(text)) => text,
            (None, None) => "no reason given".to_owned(),
        };
        let end = match kind {
            SourceErrorKind::Denied => {
                let service = self.service.permissions;
                let operation = permission(self.operation);
                let way_out = way_out(self.endpoint.is_aws());
                format!("; {way_out}; see that they allow {service}:{operation}")
            }
            SourceErrorKind::NotFound => format!("; {}", self.service.missing),
            _ => String::new(),
        };
        let message = format!(
            "{} {} refused {}{}: {said}{end}",
            self.service.name,
            self.endpoint,
            self.what(),
            in_words(status)
        );
        SourceError::new(kind, message)
    }

    /// Returns the error for an answer that lacks something it must have.
    #[cfg(any(
        feature = "sqs",
        feature = "kinesis",
        feature = "dynamodb",
        feature = "identity"
    ))]
    pub(crate) fn incomplete(self, what: &str) -> SourceError {
        let message = format!(
            "{} {} answered {} without {what}",
            self.service.name,
            self.endpoint,
            self.what()
        );
        SourceError::new(SourceErrorKind::Transient, message)
    }

    /// Returns the error for an answer whose end does not come.
    #[cfg(any(feature = "dynamodb", feature = "kinesis", feature = "sqs"))]
    pub(crate) fn broken_off(self, cause: &str) -> SourceError {
        let message = format!(
            "{} {} broke off its answer to {}: {cause}",
            self.service.name,
            self.endpoint,
            self.what()
        );
        SourceError::new(SourceErrorKind::Transient, message)
    }

    /// Returns the error for an answer that is in another form than the service's.
    pub(crate) fn unreadable(self, status: Option<u16>, body: &[u8], cause: &str) -> SourceError {
        let name = self.service.name;
        let is_success = status.is_some_and(|status| status < 300);
        let question = if is_success && is_of_no_service(body) {
            format!("; is the endpoint really {name}?")
        } else {
            String::new()
        };
        let message = format!(
            "{name} {} gave {} an answer that cannot be read{}: {cause}{question}",
            self.endpoint,
            self.what(),
            in_words(status)
        );
        // Without a status it is a message within an answer, and the connection broke off.
        let kind = match status {
            None => SourceErrorKind::Transient,
            status => kind_of_status(status),
        };
        SourceError::new(kind, message)
    }

    fn what(self) -> String {
        let resource = self.service.resource;
        format!("{} on {resource} {}", self.operation, self.resource)
    }

    fn kind(self, code: Option<&str>, text: Option<&str>, status: Option<u16>) -> SourceErrorKind {
        let code = code.unwrap_or("");
        // Any protocol may prefix the code with a namespace.
        let code = code.rsplit(['.', '#']).next().unwrap_or(code);
        // The JSON protocols call a code an exception where the query protocol does not.
        let code = code.strip_suffix("Exception").unwrap_or(code);
        (self.service.own)(code, text)
            .or_else(|| common(code))
            .unwrap_or_else(|| kind_of_status(status))
    }
}

/// Returns the status and the body, as far as it was read.
fn parts(answer: &HttpResponse) -> (Option<u16>, &[u8]) {
    let body = answer.body().bytes();
    (Some(answer.status().as_u16()), body.unwrap_or_default())
}

/// Sorts the error codes of all services, without `Exception` at their ends (API references of SQS and
/// Kinesis, "Common Errors"; key errors are those of AWS KMS).
fn common(code: &str) -> Option<SourceErrorKind> {
    let kind = match code {
        "RequestThrottled"
        | "Throttling"
        | "Throttled"
        | "TooManyRequests"
        | "RequestLimitExceeded"
        | "SlowDown" => SourceErrorKind::Throttled,
        "AccessDenied"
        | "InvalidClientTokenId"
        | "UnrecognizedClient"
        | "ExpiredToken"
        | "InvalidAccessKeyId"
        | "InvalidSignature"
        | "SignatureDoesNotMatch"
        | "IncompleteSignature"
        | "MissingAuthenticationToken"
        | "AuthFailure"
        | "NotAuthorized"
        | "OptInRequired"
        | "RequestExpired" => SourceErrorKind::Denied,
        "InternalError"
        | "InternalFailure"
        | "InternalServerError"
        | "ServiceUnavailable"
        | "RequestTimeout" => SourceErrorKind::Transient,
        key if is_key_error(key) => match &key[3..] {
            "Throttling" | "Throttled" => SourceErrorKind::Throttled,
            _ => SourceErrorKind::Denied,
        },
        _ => return None,
    };
    Some(kind)
}

/// Tells whether a code is about the key that encrypts the data: `KmsDisabled` of SQS,
/// `KMSDisabledException` of Kinesis.
fn is_key_error(code: &str) -> bool {
    code.starts_with("Kms") || code.starts_with("KMS")
}

fn kind_of_status(status: Option<u16>) -> SourceErrorKind {
    match status {
        Some(401 | 403) => SourceErrorKind::Denied,
        Some(429) => SourceErrorKind::Throttled,
        Some(500..) => SourceErrorKind::Transient,
        _ => SourceErrorKind::Fatal,
    }
}

/// The batch forms of an operation are allowed by the permission of the single one (SQS developer
/// guide, "Amazon SQS API permissions").
fn permission(operation: &str) -> &str {
    operation.strip_suffix("Batch").unwrap_or(operation)
}

/// Tells whether a body is neither JSON nor XML, but a page for people or some other text.
fn is_of_no_service(body: &[u8]) -> bool {
    let body = body.trim_ascii_start();
    let begins = |tag: &str| {
        let start = body.get(..tag.len());
        start.is_some_and(|start| start.eq_ignore_ascii_case(tag.as_bytes()))
    };
    begins("<html") || begins("<!doctype") || !matches!(body.first(), None | Some(b'{' | b'<'))
}

fn in_words(status: Option<u16>) -> String {
    status.map_or_else(String::new, |status| format!(" (HTTP {status})"))
}

fn credentials_cause<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a CredentialsError> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref() {
            return Some(found);
        }
        next = error.source();
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    const SERVICE: Service = Service {
        name: "SQS",
        resource: "queue",
        missing: "create the queue",
        permissions: "sqs",
        own: |code, _| (code == "Own" || code == "SlowDown").then_some(SourceErrorKind::Expired),
    };
    fn call(endpoint: &ServiceEndpoint) -> Call<'_> {
        Call {
            service: &SERVICE,
            operation: "DeleteMessageBatch",
            resource: "orders",
            endpoint,
        }
    }

    #[test]
    fn codes_have_a_kind_in_every_spelling() {
        use SourceErrorKind::{Denied, Expired, Fatal, Throttled, Transient};
        let here = ServiceEndpoint::at("http://here");
        let table = [
            ("RequestThrottled", 403, Throttled),
            ("ThrottlingException", 400, Throttled),
            ("Strange", 429, Throttled),
            ("AccessDenied", 400, Denied),
            (
                "com.amazon.coral.service#AccessDeniedException",
                400,
                Denied,
            ),
            ("ExpiredToken", 400, Denied),
            ("Strange", 403, Denied),
            ("InternalError", 500, Transient),
            ("Strange", 503, Transient),
            ("Strange", 400, Fatal),
            ("KmsDisabled", 400, Denied),
            ("KMSInvalidStateException", 400, Denied),
            ("KmsThrottled", 400, Throttled),
            ("KMSThrottlingException", 400, Throttled),
            // What the service says itself comes first.
            ("com.amazonaws#OwnException", 400, Expired),
            ("SlowDown", 503, Expired),
        ];
        for (code, status, expected) in table {
            assert_eq!(
                call(&here).kind(Some(code), None, Some(status)),
                expected,
                "{code} {status}"
            );
        }
    }

    #[test]
    fn a_refusal_says_who_what_why_and_the_way_out() {
        let refused = |endpoint: &ServiceEndpoint| {
            let text = Some("no.\nx-amz-security-token: S");
            let error = call(endpoint).refused(Some("AccessDenied"), text, Some(403));
            error.message
        };
        assert_eq!(
            refused(&ServiceEndpoint::at("http://here")),
            "SQS at http://here refused DeleteMessageBatch on queue orders (HTTP 403): AccessDenied: no.; set \
             AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test, or keys that it knows; see that they allow \
             sqs:DeleteMessage"
        );
        let by_aws = refused(&ServiceEndpoint::at("https://sqs.us-east-1.amazonaws.com"));
        assert!(by_aws.contains("AWS_PROFILE"), "{by_aws}");
    }
}
