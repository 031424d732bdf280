//! What the ARN of a stream or of a consumer says.

use std::str::FromStr;

use lambda_esm_core::mapping::{Arn, SourceKind};

/// A stream by its ARN, `arn:aws:kinesis:us-east-1:123456789012:stream/orders`, or one of its consumers,
/// whose ARN goes on with `/consumer/NAME:TIME` (Kinesis developer guide, "Amazon Resource Names (ARNs)").
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KinesisName(Arn);

impl KinesisName {
    /// Returns the ARN.
    #[must_use]
    pub fn arn(&self) -> &Arn {
        &self.0
    }

    /// Returns the ARN of the stream.
    #[must_use]
    pub fn stream_arn(&self) -> &str {
        let arn = self.0.as_str();
        arn.split_once("/consumer/")
            .map_or(arn, |(stream, _)| stream)
    }

    /// Returns the name of the stream.
    #[must_use]
    pub fn stream(&self) -> &str {
        self.0.resource_name()
    }

    /// Tells whether this is a consumer of the stream.
    #[must_use]
    pub fn is_consumer(&self) -> bool {
        SourceKind::of(&self.0) == Some(SourceKind::KinesisConsumer)
    }

    /// Returns the name in messages: `orders`, or `orders/consumer/app:1525898737`.
    pub(super) fn in_words(&self) -> &str {
        let resource = self.0.resource();
        resource.strip_prefix("stream/").unwrap_or(resource)
    }
}

impl FromStr for KinesisName {
    type Err = KinesisNameError;

    fn from_str(arn: &str) -> Result<Self, KinesisNameError> {
        let known = |arn: &Arn| {
            let kind = SourceKind::of(arn);
            kind == Some(SourceKind::Kinesis) || kind == Some(SourceKind::KinesisConsumer)
        };
        Arn::parse(arn)
            .filter(|arn| known(arn) && !arn.region().is_empty() && !arn.account().is_empty())
            .map(Self)
            .ok_or_else(|| KinesisNameError(arn.to_owned()))
    }
}

/// The text is no ARN of a stream or consumer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "stream ARN `{0}` must have the form arn:aws:kinesis:REGION:ACCOUNT:stream/NAME, \
     e.g. arn:aws:kinesis:us-east-1:000000000000:stream/orders, \
     with /consumer/NAME:TIME at its end for a consumer"
)]
pub struct KinesisNameError(String);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_arns_of_streams_and_consumers_are_taken_apart() {
        let arn = "arn:aws-cn:kinesis:cn-north-1:123456789012:stream/orders";
        let stream: KinesisName = arn.parse().unwrap();
        assert_eq!((stream.stream_arn(), stream.stream()), (arn, "orders"));
        assert!(!stream.is_consumer());
        assert_eq!(stream.in_words(), "orders");

        let consumer: KinesisName = format!("{arn}/consumer/app:1525898737").parse().unwrap();
        assert_eq!((consumer.stream_arn(), consumer.stream()), (arn, "orders"));
        assert!(consumer.is_consumer());
        assert_eq!(consumer.in_words(), "orders/consumer/app:1525898737");
    }

    #[test]
    fn other_texts_are_refused() {
        for wrong in [
            "",
            "orders",
            "arn:aws:sqs:us-east-1:123456789012:orders",
            "arn:aws:kinesis:us-east-1:123456789012:orders",
            "arn:aws:kinesis:us-east-1:123456789012:stream/",
            "arn:aws:kinesis::123456789012:stream/orders",
            "arn:aws:kinesis:us-east-1::stream/orders",
            "arn:aws:kinesis:us-east-1:123456789012:stream/orders/consumer",
        ] {
            assert!(wrong.parse::<KinesisName>().is_err(), "{wrong}");
        }
    }
}
