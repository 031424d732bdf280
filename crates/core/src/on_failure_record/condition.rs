//! Why records are discarded.

use serde::Serialize;

/// Why a batch was discarded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[non_exhaustive]
pub enum Condition {
    /// Every try that `MaximumRetryAttempts` allows has failed.
    RetryAttemptsExhausted,
    /// The records became older than `MaximumRecordAgeInSeconds`.
    RecordAgeExceeded,
    /// A record alone is larger than an event may be.
    MaximumPayloadSizeExceeded,
    /// A record came in a form that is not its service's. AWS has no name for this.
    RecordUnreadable,
    /// The registry has no schema of the id that a Kafka record names (Lambda developer guide, "Using schema registries").
    SchemaNotFound,
    /// A Kafka record cannot be decoded by its schema, or is not valid (the same page).
    DeserializationError,
}

impl Condition {
    /// Returns the name that the document gives it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::RetryAttemptsExhausted => "RetryAttemptsExhausted",
            Self::RecordAgeExceeded => "RecordAgeExceeded",
            Self::MaximumPayloadSizeExceeded => "MaximumPayloadSizeExceeded",
            Self::RecordUnreadable => "RecordUnreadable",
            Self::SchemaNotFound => "SCHEMA_NOT_FOUND",
            Self::DeserializationError => "DESERIALIZATION_ERROR",
        }
    }
}
