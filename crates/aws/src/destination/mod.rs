//! On-failure destinations: queues, topics and buckets (Lambda developer guide, "Retaining discarded
//! batches").

mod delivery;
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
