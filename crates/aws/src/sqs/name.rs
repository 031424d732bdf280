//! What a queue ARN says.

use std::str::FromStr;

use lambda_esm_core::mapping::Arn;

/// A queue by its ARN: `arn:aws:sqs:us-east-1:123456789012:orders` (SQS developer guide, "Amazon SQS
/// queue and message identifiers").
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueueName(Arn);

impl QueueName {
    /// Returns the ARN.
    #[must_use]
    pub fn arn(&self) -> &Arn {
        &self.0
    }

    /// Returns the name of the queue.
    #[must_use]
    pub fn name(&self) -> &str {
        self.0.resource()
    }

    /// Tells whether this is a FIFO queue: their names end in `.fifo` (SQS API reference,
    /// `CreateQueue`).
    #[must_use]
    pub fn is_fifo(&self) -> bool {
        self.name().ends_with(".fifo")
    }
}

impl FromStr for QueueName {
    type Err = QueueNameError;

    fn from_str(arn: &str) -> Result<Self, QueueNameError> {
        Arn::parse(arn)
            .filter(|arn| arn.service() == "sqs" && !arn.region().is_empty())
            .filter(|arn| !arn.account().is_empty() && !arn.resource().contains([':', '/']))
            .map(Self)
            .ok_or_else(|| QueueNameError(arn.to_owned()))
    }
}

/// The text is no queue ARN.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "queue ARN `{0}` must have the form arn:aws:sqs:REGION:ACCOUNT:NAME, \
     e.g. arn:aws:sqs:us-east-1:000000000000:orders"
)]
pub struct QueueNameError(String);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_queue_arn_is_taken_apart() {
        let queue: QueueName = "arn:aws-cn:sqs:cn-north-1:123456789012:a.fifo"
            .parse()
            .unwrap();
        assert_eq!(queue.arn().region(), "cn-north-1");
        assert_eq!(queue.arn().account(), "123456789012");
        assert_eq!(queue.name(), "a.fifo");
        assert!(queue.is_fifo());
    }

    #[test]
    fn other_texts_are_refused() {
        for wrong in [
            "",
            "orders",
            "arn:aws:sns:us-east-1:123456789012:orders",
            "arn:aws:sqs:us-east-1:123456789012:",
            "arn:aws:sqs::123456789012:orders",
            "arn:aws:sqs:us-east-1:123456789012:orders:x",
            "https://sqs.us-east-1.amazonaws.com/123456789012/orders",
        ] {
            assert!(wrong.parse::<QueueName>().is_err(), "{wrong}");
        }
    }
}
