//! On-failure destinations: queues, topics and buckets (Lambda developer guide, "Retaining discarded
//! batches").

#[cfg(any(feature = "sqs", feature = "sns"))]
use lambda_esm_core::fault::DeliveryError;
#[cfg(any(feature = "sqs", feature = "sns"))]
use lambda_esm_engine::ports::FailureRecord;

mod provider;
#[cfg(feature = "s3")]
mod s3;
#[cfg(feature = "sns")]
mod sns;
#[cfg(feature = "sqs")]
mod sqs;

pub use provider::AwsDestinations;
#[cfg(feature = "s3")]
pub use s3::S3Destination;
#[cfg(feature = "sns")]
pub use sns::SnsDestination;
#[cfg(feature = "sqs")]
pub use sqs::SqsDestination;

/// Returns the document as text, which it is unless its maker made a mistake.
#[cfg(any(feature = "sqs", feature = "sns"))]
fn text(record: FailureRecord) -> Result<String, DeliveryError> {
    String::from_utf8(record.body.into())
        .map_err(|_| DeliveryError::new("the record of the discarded batch is no text"))
}
