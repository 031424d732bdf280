//! What a queue ARN says.

use std::str::FromStr;

/// A queue by its ARN: `arn:aws:sqs:us-east-1:123456789012:orders` (SQS developer guide, "Amazon SQS
/// queue and message identifiers").
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueueName {
    arn: String,
    region: String,
    account: String,
    name: String,
}

impl QueueName {
    /// Returns the whole ARN.
    #[must_use]
    pub fn arn(&self) -> &str {
        &self.arn
    }

    /// Returns the region.
    #[must_use]
    pub fn region(&self) -> &str {
        &self.region
    }

    /// Returns the account that owns the queue.
    #[must_use]
    pub fn account(&self) -> &str {
        &self.account
    }

    /// Returns the name of the queue.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Tells whether this is a FIFO queue: their names end in `.fifo` (SQS API reference,
    /// `CreateQueue`).
    #[must_use]
    pub fn is_fifo(&self) -> bool {
        self.name.ends_with(".fifo")
    }
}

impl FromStr for QueueName {
    type Err = QueueNameError;

    fn from_str(arn: &str) -> Result<Self, QueueNameError> {
        let parts: Vec<&str> = arn.split(':').collect();
        match parts.as_slice() {
            ["arn", partition, "sqs", region, account, name]
                if [partition, region, account, name]
                    .iter()
                    .all(|part| !part.is_empty()) =>
            {
                Ok(Self {
                    arn: arn.to_owned(),
                    region: (*region).to_owned(),
                    account: (*account).to_owned(),
                    name: (*name).to_owned(),
                })
            }
            _ => Err(QueueNameError(arn.to_owned())),
        }
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
        assert_eq!(queue.region(), "cn-north-1");
        assert_eq!(queue.account(), "123456789012");
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
