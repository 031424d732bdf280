//! What every destination does with a record, and with an error of its delivery.

use lambda_esm_core::fault::{DeliveryError, SourceError};
#[cfg(any(feature = "sqs", feature = "sns"))]
use lambda_esm_engine::ports::FailureRecord;

/// Returns the error of a delivery; what kind it is does not matter, for every kind is retried alike.
pub(super) fn delivery_error(error: SourceError) -> DeliveryError {
    DeliveryError::new(error.message)
}

/// Returns the document as text, which it is unless its maker made a mistake.
#[cfg(any(feature = "sqs", feature = "sns"))]
pub(super) fn text(record: FailureRecord) -> Result<String, DeliveryError> {
    String::from_utf8(record.body.into())
        .map_err(|_| DeliveryError::new("the record of the discarded batch is no text"))
}
