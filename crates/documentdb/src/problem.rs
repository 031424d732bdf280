//! What an error of the driver means for a mapping.

use lambda_esm_core::fault::{ReasonCode, SourceError, SourceErrorKind};
use mongodb::error::{Error, ErrorKind};

/// The place to go on is gone: `CappedPositionLost`, `InvalidResumeToken`, `ChangeStreamFatalError`,
/// `ChangeStreamHistoryLost`, and what servers said before there was the latter (MongoDB error codes; manual, "Change
/// streams": resume tokens).
const LOST: [i32; 5] = [136, 260, 280, 286, 40_585];
/// `Unauthorized`.
const UNAUTHORIZED: i32 = 13;
/// `AuthenticationFailed`.
const AUTHENTICATION_FAILED: i32 = 18;
/// A change stream where there is no replica set.
const NO_REPLICA_SET: i32 = 40_573;
/// Errors that pass: those after which drivers go on (specification "Change streams", "Resumable error", the list for servers
/// without labels; `CursorNotFound`; and what a server says while it stops).
const PASSING: [i32; 21] = [
    6, 7, 43, 63, 89, 91, 133, 150, 189, 202, 234, 262, 9001, 10_107, 11_600, 11_602, 13_388,
    13_435, 13_436, 50, 24,
];
/// The labels of errors that pass (specifications "Change streams" and "Retryable reads").
const PASSING_LABELS: [&str; 3] = [
    "ResumableChangeStreamError",
    "RetryableWriteError",
    "TransientTransactionError",
];
/// How rustls begins what it says of a certificate.
const BAD_CERTIFICATE: &str = "invalid peer certificate";

/// Returns what a mapping shows and does about an error.
pub(crate) fn problem(error: &Error) -> SourceError {
    let (kind, reason) = classify(error);
    let text = match &*error.kind {
        ErrorKind::Command(command) if command.code_name.is_empty() => {
            format!("{} (error {})", command.message, command.code)
        }
        ErrorKind::Command(command) => {
            let (name, code) = (&command.code_name, command.code);
            format!("{} ({name}, error {code})", command.message)
        }
        ErrorKind::ServerSelection { message, .. } => unreachable(message),
        other => other.to_string(),
    };
    let text = match kind {
        SourceErrorKind::Trimmed => {
            format!("the server no longer has the changes that would be next: {text}")
        }
        SourceErrorKind::Denied
            if reason == Some(ReasonCode::Authentication) && !text.contains(BAD_CERTIFICATE) =>
        {
            format!(
                "the server refuses who logs in: check user name and password in the mapping's secret (authentication: {text})"
            )
        }
        _ if text.contains(BAD_CERTIFICATE) => format!(
            "the server's certificate is not trusted; name its certificate authority, a PEM file: {text}"
        ),
        _ => text,
    };
    with_reason(SourceError::new(kind, text), reason)
}

/// Returns in words that no server was found, from what the driver says of each that it has tried.
fn unreachable(message: &str) -> String {
    let servers = message.split("Address: ").skip(1);
    let servers: Vec<&str> = servers
        .filter_map(|server| server.split(',').next())
        .collect();
    let cause = message.split("Kind: ").nth(1);
    let cause = cause.and_then(|cause| cause.split(", labels: ").next());
    match (servers.as_slice(), cause) {
        ([], _) | (_, None) => message.to_owned(),
        (servers, Some(cause)) => format!(
            "cannot reach {} ({cause}): check the address, that the server runs, and whether it speaks TLS",
            servers.join(", ")
        ),
    }
}

/// Returns the error of settings with which nothing can be reached.
pub(crate) fn misconfigured(text: impl Into<String>) -> SourceError {
    SourceError::new(SourceErrorKind::Fatal, text).with_reason(ReasonCode::ConfigNotValid)
}

fn with_reason(error: SourceError, reason: Option<ReasonCode>) -> SourceError {
    match reason {
        Some(reason) => error.with_reason(reason),
        None => error,
    }
}

/// Tells whether a command was refused for what it asks for, rather than for who asks or when.
pub(crate) fn is_refusal(error: &Error) -> bool {
    matches!(&*error.kind, ErrorKind::Command(_)) && classify(error).0 == SourceErrorKind::Fatal
}

fn classify(error: &Error) -> (SourceErrorKind, Option<ReasonCode>) {
    use SourceErrorKind as Kind;
    let passes = PASSING_LABELS
        .iter()
        .any(|label| error.contains_label(label));
    match &*error.kind {
        ErrorKind::Authentication { .. } => (Kind::Denied, Some(ReasonCode::Authentication)),
        ErrorKind::Command(command) => match command.code {
            AUTHENTICATION_FAILED => (Kind::Denied, Some(ReasonCode::Authentication)),
            UNAUTHORIZED => (Kind::Denied, Some(ReasonCode::Authorization)),
            NO_REPLICA_SET => (Kind::Fatal, Some(ReasonCode::ConfigNotValid)),
            // Before any label: a server may label what never passes.
            code if LOST.contains(&code) => (Kind::Trimmed, None),
            code if passes || PASSING.contains(&code) => (Kind::Transient, None),
            _ => (Kind::Fatal, None),
        },
        ErrorKind::InvalidArgument { .. } | ErrorKind::InvalidTlsConfig { .. } => {
            (Kind::Fatal, Some(ReasonCode::ConfigNotValid))
        }
        ErrorKind::BsonDeserialization(_)
        | ErrorKind::Bson(_)
        | ErrorKind::InvalidResponse { .. }
        | ErrorKind::IncompatibleServer { .. }
        | ErrorKind::SessionsNotSupported => (Kind::Fatal, None),
        other if other.to_string().contains(BAD_CERTIFICATE) => {
            (Kind::Denied, Some(ReasonCode::Authentication))
        }
        _ => (Kind::Transient, None),
    }
}
