//! What of a source is recorded.

use lambda_esm_core::setters;

use super::redaction::Redaction;

/// What of a source is recorded.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct RecordingOptions {
    /// Whether records are kept, or only when they came, how large they were, and which of them shared a key: keys are
    /// pseudonyms then.
    pub payloads: bool,
    /// What of the records is not kept.
    pub redaction: Redaction,
    /// The most bytes of one recording; it ends there, and says so.
    pub limit: u64,
    /// Decides the pseudonyms. Nobody who has a recording may know it, since they could try keys out.
    pub salt: u128,
}

impl RecordingOptions {
    /// 100 MB.
    pub const DEFAULT_LIMIT: u64 = 100_000_000;

    /// Returns options that keep whole records.
    #[must_use]
    pub fn new(salt: u128) -> Self {
        Self {
            payloads: true,
            redaction: Redaction::default(),
            limit: Self::DEFAULT_LIMIT,
            salt,
        }
    }
}

setters!(RecordingOptions {
    with_payloads sets payloads: bool,
    with_redaction sets redaction: Redaction,
    with_limit sets limit: u64,
});
