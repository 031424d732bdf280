//! A queue that takes the records of discarded batches.

use async_trait::async_trait;
use lambda_esm_core::fault::{DeliveryError, SourceError};
use lambda_esm_engine::ports::{FailureDestination, FailureRecord};

use super::delivery::{delivery_error, text};
use crate::failure::Service;
use crate::sqs::{PATIENCE, QueueAddress, own_kind};

/// SQS in messages about destinations.
pub(super) static QUEUE: Service = Service {
    name: "SQS",
    resource: "queue",
    missing: "create the queue, or correct region, account and name in \
              DestinationConfig.OnFailure.Destination",
    permissions: "sqs",
    own: own_kind,
};

/// An SQS queue that gets one message for each record.
#[derive(Debug)]
pub struct SqsDestination {
    address: QueueAddress,
}

impl SqsDestination {
    /// Returns the queue at `address`.
    pub(super) fn new(address: QueueAddress) -> Self {
        Self { address }
    }

    async fn send(&self, body: String) -> Result<(), SourceError> {
        let client = self.address.client();
        let url = self.address.url().await?;
        let request = client.send_message().queue_url(url).message_body(body);
        let call = self.address.call("SendMessage");
        let sent = call.within(PATIENCE, request.send()).await;
        self.address.check(sent).await.map(drop)
    }
}

#[async_trait]
impl FailureDestination for SqsDestination {
    async fn deliver(&self, record: FailureRecord) -> Result<(), DeliveryError> {
        self.send(text(record)?).await.map_err(delivery_error)
    }
}
