//! What an on-failure destination is told of a discarded batch (Lambda developer guide, "Retaining
//! discarded batches"; shapes recorded from the service).

use bytes::Bytes;

/// The record of a discarded batch, ready for its destination.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FailureRecord {
    /// The JSON document: the body of an SQS message, the message of an SNS notification, or the content
    /// of an S3 object.
    pub body: Bytes,
    /// The key of the S3 object; empty for other destinations.
    pub object_key: String,
}
