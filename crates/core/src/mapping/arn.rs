//! Amazon Resource Names, and what kind of event source one names.

use std::fmt;

/// An ARN: `arn:partition:service:region:account:resource`.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Arn(Box<str>);

impl Arn {
    /// Parses an ARN; `None` if it has not six parts or no service or resource.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.splitn(6, ':');
        let legal = parts.next() == Some("arn")
            && parts
                .next()
                .is_some_and(|partition| partition.starts_with("aws"))
            && parts.next().is_some_and(|service| !service.is_empty())
            && parts.next().is_some()
            && parts.next().is_some()
            && parts.next().is_some_and(|resource| !resource.is_empty());
        legal.then(|| Self(text.into()))
    }

    /// Returns the whole ARN.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the partition, for example `aws`.
    #[must_use]
    pub fn partition(&self) -> &str {
        self.part(1)
    }

    /// Returns the service, for example `sqs`.
    #[must_use]
    pub fn service(&self) -> &str {
        self.part(2)
    }

    /// Returns the region; empty for an S3 bucket.
    #[must_use]
    pub fn region(&self) -> &str {
        self.part(3)
    }

    /// Returns the account id; empty for an S3 bucket.
    #[must_use]
    pub fn account(&self) -> &str {
        self.part(4)
    }

    /// Returns everything after the account, for example `stream/orders`.
    #[must_use]
    pub fn resource(&self) -> &str {
        self.part(5)
    }

    /// Returns the plain name in the resource: the queue, stream, table, cluster, broker or bucket.
    #[must_use]
    pub fn resource_name(&self) -> &str {
        let resource = self.resource();
        match self.service() {
            "kinesis" | "dynamodb" | "kafka" => resource.split('/').nth(1).unwrap_or(resource),
            "mq" | "rds" => resource.split(':').nth(1).unwrap_or(resource),
            _ => resource,
        }
    }

    fn part(&self, index: usize) -> &str {
        self.0.splitn(6, ':').nth(index).unwrap_or_default()
    }
}

impl fmt::Display for Arn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Arn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

/// The broker behind an Amazon MQ mapping. The ARN does not tell; the broker does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum MqEngine {
    /// Apache ActiveMQ.
    ActiveMq,
    /// RabbitMQ.
    RabbitMq,
}

/// The kinds of event source.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SourceKind {
    /// An SQS standard queue.
    SqsStandard,
    /// An SQS FIFO queue.
    SqsFifo,
    /// A Kinesis stream, read with shared throughput.
    Kinesis,
    /// A Kinesis stream consumer with enhanced fan-out.
    KinesisConsumer,
    /// The stream of a DynamoDB table.
    DynamoDbStream,
    /// An Amazon MSK cluster, or a VPC connection to one.
    Msk,
    /// A Kafka cluster named by its bootstrap servers.
    SelfManagedKafka,
    /// An Amazon MQ broker of either engine.
    AmazonMq,
    /// A DocumentDB cluster.
    DocumentDb,
}

impl SourceKind {
    /// All kinds.
    pub const ALL: [Self; 9] = [
        Self::SqsStandard,
        Self::SqsFifo,
        Self::Kinesis,
        Self::KinesisConsumer,
        Self::DynamoDbStream,
        Self::Msk,
        Self::SelfManagedKafka,
        Self::AmazonMq,
        Self::DocumentDb,
    ];

    /// Recognises the kind by the ARN; `None` if Lambda cannot read such a source.
    #[must_use]
    pub fn of(arn: &Arn) -> Option<Self> {
        let resource = arn.resource();
        let segments = || {
            resource
                .split('/')
                .filter(|segment| !segment.is_empty())
                .count()
        };
        match arn.service() {
            "sqs" if resource.contains([':', '/']) => None,
            "sqs" if resource.ends_with(".fifo") => Some(Self::SqsFifo),
            "sqs" => Some(Self::SqsStandard),
            "kinesis" if !resource.starts_with("stream/") => None,
            "kinesis" if segments() == 2 => Some(Self::Kinesis),
            "kinesis" if segments() == 4 && resource.contains("/consumer/") => {
                Some(Self::KinesisConsumer)
            }
            "dynamodb" if resource.starts_with("table/") && resource.contains("/stream/") => {
                (segments() == 4).then_some(Self::DynamoDbStream)
            }
            "kafka"
                if resource.starts_with("cluster/") || resource.starts_with("vpc-connection/") =>
            {
                (segments() >= 2).then_some(Self::Msk)
            }
            "mq" => named(resource, "broker:").then_some(Self::AmazonMq),
            "rds" => named(resource, "cluster:").then_some(Self::DocumentDb),
            _ => None,
        }
    }

    /// Tells whether the source is an SQS queue.
    #[must_use]
    pub const fn is_sqs(self) -> bool {
        matches!(self, Self::SqsStandard | Self::SqsFifo)
    }

    /// Tells whether the source is Kafka, managed or not.
    #[must_use]
    pub const fn is_kafka(self) -> bool {
        matches!(self, Self::Msk | Self::SelfManagedKafka)
    }

    /// Returns the kind in words, with its article.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::SqsStandard => "an SQS standard queue",
            Self::SqsFifo => "an SQS FIFO queue",
            Self::Kinesis => "a Kinesis stream",
            Self::KinesisConsumer => "a Kinesis stream consumer",
            Self::DynamoDbStream => "a DynamoDB stream",
            Self::Msk => "an Amazon MSK cluster",
            Self::SelfManagedKafka => "a self-managed Kafka cluster",
            Self::AmazonMq => "an Amazon MQ broker",
            Self::DocumentDb => "a DocumentDB cluster",
        }
    }
}

fn named(resource: &str, prefix: &str) -> bool {
    resource
        .strip_prefix(prefix)
        .is_some_and(|name| !name.is_empty() && !name.starts_with(':'))
}
