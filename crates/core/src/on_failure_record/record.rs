//! A record on its way to a destination.

use bytes::Bytes;
use uuid::Uuid;

use crate::setters;

/// The record of a discarded batch, ready for its destination.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct FailureRecord {
    /// The mapping that discarded the batch.
    pub mapping: Uuid,
    /// The ARN of the function that the batch was for.
    pub function_arn: String,
    /// The JSON document: the body of an SQS message, the message of an SNS notification, the content of an S3
    /// object, or the value of a Kafka message.
    pub body: Bytes,
    /// The key of the S3 object; empty for other destinations.
    pub object_key: String,
    /// The key of the Kafka message, which is that of the record it tells of; `None` for other destinations.
    pub key: Option<Bytes>,
}

impl FailureRecord {
    /// Returns a record with this document, of no mapping.
    pub fn new(body: impl Into<Bytes>) -> Self {
        Self {
            mapping: Uuid::nil(),
            function_arn: String::new(),
            body: body.into(),
            object_key: String::new(),
            key: None,
        }
    }
}

setters!(FailureRecord {
    with_mapping sets mapping: Uuid,
    with_function_arn sets function_arn: String,
    with_object_key sets object_key: String,
    with_key sets key: Option<Bytes>,
});
