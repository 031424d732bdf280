//! A bucket that takes the records of discarded batches.

use std::time::Duration;

use async_trait::async_trait;
use aws_sdk_s3::Client;
use aws_sdk_s3::primitives::ByteStream;
use lambda_esm_core::fault::{DeliveryError, SourceErrorKind};
use lambda_esm_engine::ports::{FailureDestination, FailureRecord};

use super::delivery::delivery_error;
use crate::failure::{Call, Service};
use crate::service_endpoint::ServiceEndpoint;

/// How long an answer may take. An object holds the whole event, up to 6 MB and escaped.
const PATIENCE: Duration = Duration::from_secs(30);

/// S3 in messages and codes (S3 API reference, "Error responses").
static BUCKET: Service = Service {
    name: "S3",
    resource: "bucket",
    missing: "create the bucket, or correct its name in DestinationConfig.OnFailure.Destination",
    permissions: "s3",
    own: kind,
};

fn kind(code: &str, _: Option<&str>) -> Option<SourceErrorKind> {
    match code {
        "NoSuchBucket" => Some(SourceErrorKind::NotFound),
        "AllAccessDisabled" | "AccountProblem" => Some(SourceErrorKind::Denied),
        _ => None,
    }
}

/// An S3 bucket that gets one object for each record.
#[derive(Debug)]
pub struct S3Destination {
    client: Client,
    bucket: String,
    endpoint: ServiceEndpoint,
}

impl S3Destination {
    /// Returns `bucket` as seen by `client`, which calls `endpoint`.
    pub(super) fn new(client: Client, bucket: String, endpoint: ServiceEndpoint) -> Self {
        Self {
            client,
            bucket,
            endpoint,
        }
    }
}

#[async_trait]
impl FailureDestination for S3Destination {
    async fn deliver(&self, record: FailureRecord) -> Result<(), DeliveryError> {
        if record.object_key.is_empty() {
            return Err(DeliveryError::new(format!(
                "the record for bucket {} has no object key",
                self.bucket
            )));
        }
        let request = self
            .client
            .put_object()
            .bucket(&self.bucket)
            .key(record.object_key)
            .content_type("application/json")
            .body(ByteStream::from(record.body));
        let call = Call {
            service: &BUCKET,
            operation: "PutObject",
            resource: &self.bucket,
            endpoint: &self.endpoint,
        };
        // Some 20 kB, which every caller up to its task would carry.
        let put = Box::pin(call.within(PATIENCE, request.send())).await;
        put.map(drop).map_err(delivery_error)
    }
}
