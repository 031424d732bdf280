//! A topic that takes the records of discarded batches.

use std::time::Duration;

use async_trait::async_trait;
use aws_sdk_sns::Client;
use lambda_esm_core::fault::{DeliveryError, SourceErrorKind};
use lambda_esm_core::mapping::Arn;
use lambda_esm_engine::ports::{FailureDestination, FailureRecord};

use super::delivery::{delivery_error, text};
use crate::failure::{Call, Service};
use crate::service_endpoint::ServiceEndpoint;

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// SNS in messages and codes (SNS API reference, `Publish`).
static TOPIC: Service = Service {
    name: "SNS",
    resource: "topic",
    missing: "create the topic, or correct region, account and name in \
              DestinationConfig.OnFailure.Destination",
    permissions: "sns",
    own: kind,
};

fn kind(code: &str, _: Option<&str>) -> Option<SourceErrorKind> {
    match code {
        "NotFound" => Some(SourceErrorKind::NotFound),
        "AuthorizationError" | "InvalidSecurity" => Some(SourceErrorKind::Denied),
        _ => None,
    }
}

/// An SNS topic that gets one notification for each record.
#[derive(Debug)]
pub struct SnsDestination {
    client: Client,
    topic: Arn,
    endpoint: ServiceEndpoint,
}

impl SnsDestination {
    /// Returns `topic` as seen by `client`, which calls `endpoint`.
    pub(super) fn new(client: Client, topic: Arn, endpoint: ServiceEndpoint) -> Self {
        Self {
            client,
            topic,
            endpoint,
        }
    }
}

#[async_trait]
impl FailureDestination for SnsDestination {
    async fn deliver(&self, record: FailureRecord) -> Result<(), DeliveryError> {
        let request = self.client.publish().topic_arn(self.topic.as_str());
        let request = request.message(text(record)?);
        let call = Call {
            service: &TOPIC,
            operation: "Publish",
            resource: self.topic.resource(),
            endpoint: &self.endpoint,
        };
        let published = call.within(PATIENCE, request.send()).await;
        published.map(drop).map_err(delivery_error)
    }
}
