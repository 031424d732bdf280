//! Settings that mappings of several kinds of source share.

use std::time::Duration;

use super::arn::Arn;
use crate::time::Timestamp;

/// How many dedicated pollers a mapping has; `minimum <= maximum`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Pollers {
    /// Always kept.
    pub minimum: u32,
    /// Never exceeded.
    pub maximum: u32,
}

/// Where reading starts in a source that can look up a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum StartingPosition {
    /// At the oldest record kept.
    TrimHorizon,
    /// Just after the newest record.
    Latest,
    /// At the first record that is not older.
    AtTimestamp(Timestamp),
}

/// How often and how long a failed batch is retried.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct RetryPolicy {
    /// Retries after the first attempt, 0 to 10,000; `None` until the record leaves the source.
    pub maximum_retries: Option<u32>,
    /// 60 s to 7 days; `None` for no limit.
    pub maximum_record_age: Option<Duration>,
    /// Whether a failed batch is split in two.
    pub bisect_on_error: bool,
}

/// A destination outside Kafka: a standard queue, a standard topic or a bucket.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AwsDestination {
    /// An SQS standard queue.
    Sqs(Arn),
    /// An SNS standard topic.
    Sns(Arn),
    /// An S3 bucket.
    S3(Arn),
}

impl AwsDestination {
    /// Returns the ARN.
    #[must_use]
    pub const fn arn(&self) -> &Arn {
        match self {
            Self::Sqs(arn) | Self::Sns(arn) | Self::S3(arn) => arn,
        }
    }
}
