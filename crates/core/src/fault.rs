//! What can go wrong outside, in the kinds that the machines act on.

use std::time::Duration;

use crate::excerpt::{LONGEST_TEXT, excerpt};
use crate::response::Run;

/// A failed call to an event source.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
#[non_exhaustive]
pub struct SourceError {
    /// What the machine should do about it.
    pub kind: SourceErrorKind,
    /// The cause in words, without secrets; shown in status, logs and decisions.
    pub message: String,
    /// What the mapping's `StateTransitionReason` shows meanwhile; `None` for nothing.
    pub reason: Option<ReasonCode>,
}

impl SourceError {
    /// Returns an error of `kind` with the cause in words.
    pub fn new(kind: SourceErrorKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: excerpt(&message.into(), LONGEST_TEXT),
            reason: None,
        }
    }

    /// Returns the same error, with the part of the source that it is about.
    #[must_use]
    pub(crate) fn within(self, part: &str) -> Self {
        Self {
            message: format!("{part}: {}", self.message),
            ..self
        }
    }

    /// Returns the same error, of which the mapping's `StateTransitionReason` tells.
    #[must_use]
    pub fn with_reason(self, reason: impl Into<Option<ReasonCode>>) -> Self {
        Self {
            reason: reason.into(),
            ..self
        }
    }
}

/// Why a consumer cannot do its work, as `StateTransitionReason` names it (Lambda developer guide, "Troubleshooting Amazon
/// MQ event source mapping errors").
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ReasonCode {
    /// `ESM_CONFIG_NOT_VALID`: the mapping's settings do not fit its source.
    ConfigNotValid,
    /// `EVENT_SOURCE_AUTHN_ERROR`: the source does not take the credentials.
    Authentication,
    /// `EVENT_SOURCE_AUTHZ_ERROR`: the source does not let these credentials do what they have to.
    Authorization,
    /// `FUNCTION_CONFIG_NOT_VALID`: the function's settings do not fit.
    FunctionConfigNotValid,
}

impl ReasonCode {
    const ALL: [Self; 4] = [
        Self::ConfigNotValid,
        Self::Authentication,
        Self::Authorization,
        Self::FunctionConfigNotValid,
    ];

    /// Returns the code that a text begins with, and what is behind its colon: so says a mapping why it has disabled itself.
    pub(crate) fn split(text: &str) -> Option<(Self, &str)> {
        let (code, rest) = text.split_once(": ")?;
        let mut all = Self::ALL.into_iter();
        Some((all.find(|known| known.as_str() == code)?, rest))
    }

    /// Returns the text that the API shows.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ConfigNotValid => "ESM_CONFIG_NOT_VALID",
            Self::Authentication => "EVENT_SOURCE_AUTHN_ERROR",
            Self::Authorization => "EVENT_SOURCE_AUTHZ_ERROR",
            Self::FunctionConfigNotValid => "FUNCTION_CONFIG_NOT_VALID",
        }
    }
}

/// Why a call to an event source failed. All kinds are retried with back-off; they differ in what the
/// mapping shows meanwhile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SourceErrorKind {
    /// The source asks for fewer calls.
    Throttled,
    /// The queue or stream does not exist.
    NotFound,
    /// Credentials are missing, wrong, expired, or not allowed to do this.
    Denied,
    /// The receipt or iterator is no longer valid.
    Expired,
    /// The place asked for lies before the oldest record that the shard still holds.
    Trimmed,
    /// The source could not be reached or answered with a server error.
    Transient,
    /// The answer makes no sense; retrying is unlikely to help.
    Fatal,
    /// The source has not what the mapping needs, and will not have it by itself: the mapping is disabled. The message
    /// says what to do.
    Unsupported,
    /// Records are there, and the schema registry cannot be asked how to decode them.
    SchemaRegistry,
}

/// A failed delivery to an on-failure destination.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
#[non_exhaustive]
pub struct DeliveryError {
    /// The cause in words, without secrets; shown in status, logs and decisions.
    pub message: String,
}

impl DeliveryError {
    /// Returns the error with the cause in words.
    pub fn new(message: impl Into<String>) -> Self {
        Self {
            message: excerpt(&message.into(), LONGEST_TEXT),
        }
    }
}

/// A batch that was not processed by the function.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
#[non_exhaustive]
pub struct InvokeError {
    /// What the machine should do about it.
    pub kind: InvokeErrorKind,
    /// The cause in words, without secrets.
    pub message: String,
    /// Which run of the function failed, if one did.
    pub run: Run,
}

impl InvokeError {
    /// Returns an error of `kind` with the cause in words.
    pub fn new(kind: InvokeErrorKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: excerpt(&message.into(), LONGEST_TEXT),
            run: Run::default(),
        }
    }

    /// Returns the same error of this run.
    #[must_use]
    pub fn of(self, run: Run) -> Self {
        Self { run, ..self }
    }

    /// Returns the error of a function that ran and failed.
    pub fn function(message: impl Into<String>) -> Self {
        Self::new(InvokeErrorKind::Function, message)
    }
}

/// Why an invocation failed. A function error and a refusal that will not pass count as tries; the other
/// kinds mean that the function never saw the batch, and do not count (Lambda developer guide, "Handling
/// errors for an SQS event source").
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum InvokeErrorKind {
    /// The function ran and failed, or may have run: handled or unhandled exception, timeout, crash, failed
    /// init, a connection that broke after the event was sent.
    Function,
    /// The function has no free concurrency (HTTP 429); `retry_after` is the server's wish, if any.
    #[non_exhaustive]
    Throttled {
        /// The time the server asks to wait.
        retry_after: Option<Duration>,
    },
    /// The backend is there and refuses the call: the payload is too large (HTTP 413), or another status
    /// 3xx or 4xx that no other kind stands for.
    #[non_exhaustive]
    Refused {
        /// The HTTP status.
        status: u16,
        /// Whether it may pass by itself, as where a stand-in for Lambda is busy or its function is being
        /// made anew. Then it does not count at first; but a stream's batch does not wait for ever, and
        /// uses a retry when it has not reached the function so often in a row.
        may_pass: bool,
    },
    /// The function does not exist.
    NotFound,
    /// The caller may not invoke the function, or its credentials are missing, wrong or expired.
    Denied,
    /// The backend could not be reached, or answered with a server error.
    Unavailable,
}

impl InvokeErrorKind {
    /// The payload is larger than the backend accepts.
    pub const TOO_LARGE: Self = Self::Refused {
        status: 413,
        may_pass: false,
    };

    /// The function has no free concurrency; the server may have said how long to wait.
    #[must_use]
    pub const fn throttled(retry_after: Option<Duration>) -> Self {
        Self::Throttled { retry_after }
    }

    /// The backend refuses the call with this HTTP status; `may_pass` tells whether it may pass by itself.
    #[must_use]
    pub const fn refused(status: u16, may_pass: bool) -> Self {
        Self::Refused { status, may_pass }
    }

    /// Tells whether the function may have seen the batch.
    #[must_use]
    pub const fn reached_function(self) -> bool {
        matches!(self, Self::Function)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_from_outside_steers_nothing_and_urls_keep_their_secrets() {
        let said = "POST http://me:pw@h/f?code=s3cret: \x1b[2J\r\u{202e}gone";
        let shown = "POST http://h/f: \\u{1b}[2J\\r\\u{202e}gone";
        assert_eq!(InvokeError::function(said).message, shown);
        assert_eq!(DeliveryError::new(said).message, shown);
        assert_eq!(
            SourceError::new(SourceErrorKind::Denied, said).message,
            shown
        );
    }

    #[test]
    fn an_error_keeps_the_beginning_of_a_long_message() {
        let error = InvokeError::function("x".repeat(10_000));
        assert!(error.message.len() < 1_100, "{} bytes", error.message.len());
    }
}
