//! Destinations by their ARN.

use std::sync::Arc;

use async_trait::async_trait;
use lambda_esm_core::fault::DeliveryError;
use lambda_esm_core::mapping::{Arn, AwsDestination};
use lambda_esm_engine::ports::{DestinationProvider, FailureDestination};

#[cfg(feature = "sqs")]
use super::delivery::delivery_error;
#[cfg(feature = "s3")]
use super::s3::S3Destination;
#[cfg(feature = "sns")]
use super::sns::SnsDestination;
#[cfg(feature = "sqs")]
use super::sqs::{QUEUE, SqsDestination};
use crate::client::Clients;
use crate::config::AwsConfig;
#[cfg(feature = "sqs")]
use crate::sqs::QueueAddress;

/// Finds queues, topics and buckets for the records of discarded batches. One client and one pool of
/// connections serve all of a service, endpoint and region.
///
/// What kinds it serves depends on the features: `sqs`, `sns`, `s3`.
#[derive(Debug)]
pub struct AwsDestinations {
    config: AwsConfig,
    #[cfg(feature = "sqs")]
    sqs: Clients<aws_sdk_sqs::Client>,
    #[cfg(feature = "sns")]
    sns: Clients<aws_sdk_sns::Client>,
    #[cfg(feature = "s3")]
    s3: Clients<aws_sdk_s3::Client>,
}

impl AwsDestinations {
    /// Returns the destinations of the AWS that `config` describes. Does no I/O.
    #[must_use]
    pub fn new(config: AwsConfig) -> Self {
        Self {
            config,
            #[cfg(feature = "sqs")]
            sqs: Clients::default(),
            #[cfg(feature = "sns")]
            sns: Clients::default(),
            #[cfg(feature = "s3")]
            s3: Clients::default(),
        }
    }

    /// Returns a queue. Whether it exists is told by the first delivery.
    ///
    /// # Errors
    /// Fails if `arn` is not the ARN of a standard queue.
    #[cfg(feature = "sqs")]
    pub async fn queue(&self, arn: &Arn) -> Result<SqsDestination, DeliveryError> {
        refuse_fifo(arn, "queue")?;
        let address = QueueAddress::find(&self.config, &self.sqs, arn.as_str(), &QUEUE).await;
        address.map(SqsDestination::new).map_err(delivery_error)
    }

    /// Returns a topic. Whether it exists is told by the first delivery.
    ///
    /// # Errors
    /// Fails if `arn` is not the ARN of a standard topic.
    #[cfg(feature = "sns")]
    pub async fn topic(&self, arn: &Arn) -> Result<SnsDestination, DeliveryError> {
        refuse_fifo(arn, "topic")?;
        let named = arn.service() == "sns" && !arn.region().is_empty();
        if !named || arn.resource().contains(':') {
            return Err(DeliveryError::new(format!(
                "topic ARN `{arn}` must have the form arn:aws:sns:REGION:ACCOUNT:NAME"
            )));
        }
        let endpoint = self.config.service_endpoint(arn);
        let client = self.sns.get(&endpoint, aws_sdk_sns::Client::new);
        Ok(SnsDestination::new(client, arn.clone(), endpoint))
    }

    /// Returns a bucket, looked for in the configured region, since its ARN names none. Whether it exists
    /// is told by the first delivery.
    ///
    /// # Errors
    /// Fails if `arn` is not the ARN of a bucket.
    #[cfg(feature = "s3")]
    pub async fn bucket(&self, arn: &Arn) -> Result<S3Destination, DeliveryError> {
        if arn.service() != "s3" || arn.resource().contains([':', '/']) {
            return Err(DeliveryError::new(format!(
                "bucket ARN `{arn}` must have the form arn:aws:s3:::BUCKET"
            )));
        }
        let endpoint = self.config.service_endpoint(arn);
        let make = |settings: &aws_config::SdkConfig| {
            // A server that stands in for S3 has no host name for each bucket.
            let settings = aws_sdk_s3::config::Builder::from(settings);
            let settings = settings.force_path_style(!endpoint.is_aws());
            aws_sdk_s3::Client::from_conf(settings.build())
        };
        let client = self.s3.get(&endpoint, make);
        Ok(S3Destination::new(
            client,
            arn.resource().to_owned(),
            endpoint,
        ))
    }
}

#[async_trait]
impl DestinationProvider for AwsDestinations {
    async fn destination(
        &self,
        destination: &AwsDestination,
    ) -> Result<Option<Arc<dyn FailureDestination>>, DeliveryError> {
        match destination {
            #[cfg(feature = "sqs")]
            AwsDestination::Sqs(arn) => Ok(Some(Arc::new(self.queue(arn).await?))),
            #[cfg(feature = "sns")]
            AwsDestination::Sns(arn) => Ok(Some(Arc::new(self.topic(arn).await?))),
            #[cfg(feature = "s3")]
            AwsDestination::S3(arn) => Ok(Some(Arc::new(self.bucket(arn).await?))),
            _ => Ok(None),
        }
    }
}

/// Refuses what cannot be a destination (Lambda API reference, `OnFailure`: standard queues and topics).
#[cfg(any(feature = "sqs", feature = "sns"))]
fn refuse_fifo(arn: &Arn, what: &str) -> Result<(), DeliveryError> {
    if !arn.resource().ends_with(".fifo") {
        return Ok(());
    }
    Err(DeliveryError::new(format!(
        "{arn} is a FIFO {what}, which cannot take the records of discarded batches; name a standard \
         {what} in DestinationConfig.OnFailure.Destination"
    )))
}
