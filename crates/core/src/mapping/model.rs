//! The parsed mapping. What a source does not have is not here to be set wrong; types from here are
//! made by [`Mapping::create`](super::Mapping::create) and
//! [`Mapping::update`](super::Mapping::update) only.

use std::collections::BTreeMap;
use std::time::Duration;

use lambda_esm_filter::{Dialect, Limits};
use uuid::Uuid;

use super::arn::{Arn, SourceKind};
use super::filters::FilterSet;
use super::function::FunctionRef;
use super::kafka::{KafkaCluster, KafkaMapping};
use super::mq::MqMapping;
use super::partition::Partition;
use super::settings::{AwsDestination, Pollers, RetryPolicy, StartingPosition};
use super::wire::{FullDocument, Metric};
use crate::fault::ReasonCode;
use crate::time::Timestamp;

/// What validation needs beside the request.
#[derive(Clone, Debug)]
pub struct Context {
    /// The region that completes a bare function name.
    pub region: String,
    /// The 12-digit account that completes a bare function name.
    pub account_id: String,
    /// The id of the mapping to be; ignored by updates.
    pub uuid: Uuid,
    /// The time of the request.
    pub now: Timestamp,
    /// How many filters a mapping may have, and how long they may be.
    pub filter_limits: Limits,
    /// The operators a filter may use.
    pub dialect: Dialect,
}

/// An event source mapping that is legal.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Mapping {
    /// The id, also the default consumer group of a Kafka mapping.
    pub uuid: Uuid,
    /// The function to call.
    pub function: FunctionRef,
    /// Whether it polls.
    pub enabled: bool,
    /// Why it has disabled itself; `None` if it has not, or was enabled or disabled since by a user.
    pub disabled_because: Option<String>,
    /// What the function is to see; `None` for everything.
    pub filters: Option<FilterSet>,
    /// The key that encrypts the filters.
    pub kms_key_arn: Option<String>,
    /// The metric groups to emit, in the order given.
    pub metrics: Vec<Metric>,
    /// Tags given at creation.
    pub tags: BTreeMap<String, String>,
    /// When it was created.
    pub created: Timestamp,
    /// When it was last changed.
    pub last_modified: Timestamp,
    /// The source, with all that only this kind of source has.
    pub source: Source,
}

impl Mapping {
    /// Returns the mapping's own ARN.
    #[must_use]
    pub fn arn(&self, region: &str, account: &str) -> String {
        let partition = Partition::of_region(region).name;
        format!(
            "arn:{partition}:lambda:{region}:{account}:event-source-mapping:{}",
            self.uuid
        )
    }

    /// Says which of the filters can never match, and why.
    #[must_use]
    pub fn unmatchable_filters(&self) -> Vec<String> {
        let filters = self.filters.as_ref();
        filters.map_or_else(Vec::new, |set| set.unmatchable(self.source.kind()))
    }

    /// Returns the `StateTransitionReason`: why the mapping has disabled itself, by a code where there is one (AWS documents
    /// no text for that), or that a user has changed it.
    #[must_use]
    pub fn transition_reason(&self) -> &str {
        let because = self.disabled_because.as_deref();
        let code = because.and_then(ReasonCode::split);
        let because = code.map(|(code, _)| code.as_str()).or(because);
        because.unwrap_or_else(|| self.user_reason())
    }

    /// Returns what is wrong with the source, if the mapping has disabled itself for that and shows a code in its
    /// `StateTransitionReason`.
    #[must_use]
    pub fn disabling_problem(&self) -> Option<&str> {
        let (_, problem) = ReasonCode::split(self.disabled_because.as_deref()?)?;
        Some(problem)
    }

    /// Returns the `StateTransitionReason` of a change a user made: `User action` for the streams
    /// (recorded) and DocumentDB (Lambda developer guide), `USER_INITIATED` for the others
    /// (recorded for SQS and self-managed Kafka).
    #[must_use]
    pub const fn user_reason(&self) -> &'static str {
        match self.source {
            Source::Kinesis(_) | Source::DynamoDb(_) | Source::DocumentDb(_) => "User action",
            Source::Sqs(_) | Source::Kafka(_) | Source::Mq(_) => "USER_INITIATED",
        }
    }
}

/// An event source with its settings.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Source {
    /// An SQS queue.
    Sqs(SqsMapping),
    /// A Kinesis stream or one of its consumers.
    Kinesis(KinesisMapping),
    /// A DynamoDB stream.
    DynamoDb(DynamoDbMapping),
    /// A Kafka topic.
    Kafka(KafkaMapping),
    /// A queue of an Amazon MQ broker.
    Mq(MqMapping),
    /// The change stream of a DocumentDB cluster.
    DocumentDb(DocumentDbMapping),
}

impl Source {
    /// Returns the kind of source.
    #[must_use]
    pub const fn kind(&self) -> SourceKind {
        match self {
            Self::Sqs(SqsMapping { fifo: true, .. }) => SourceKind::SqsFifo,
            Self::Sqs(_) => SourceKind::SqsStandard,
            Self::Kinesis(KinesisMapping { consumer: true, .. }) => SourceKind::KinesisConsumer,
            Self::Kinesis(_) => SourceKind::Kinesis,
            Self::DynamoDb(_) => SourceKind::DynamoDbStream,
            Self::Kafka(KafkaMapping {
                cluster: KafkaCluster::Msk { .. },
                ..
            }) => SourceKind::Msk,
            Self::Kafka(_) => SourceKind::SelfManagedKafka,
            Self::Mq(_) => SourceKind::AmazonMq,
            Self::DocumentDb(_) => SourceKind::DocumentDb,
        }
    }

    /// Returns the ARN; `None` for self-managed Kafka.
    #[must_use]
    pub const fn arn(&self) -> Option<&Arn> {
        match self {
            Self::Sqs(sqs) => Some(&sqs.queue_arn),
            Self::Kinesis(kinesis) => Some(&kinesis.stream_arn),
            Self::DynamoDb(dynamodb) => Some(&dynamodb.stream_arn),
            Self::Kafka(kafka) => match &kafka.cluster {
                KafkaCluster::Msk { arn } => Some(arn),
                KafkaCluster::SelfManaged { .. } => None,
            },
            Self::Mq(mq) => Some(&mq.broker_arn),
            Self::DocumentDb(documentdb) => Some(&documentdb.cluster_arn),
        }
    }

    /// Returns what names the source: its ARN, or the bootstrap servers of self-managed Kafka.
    #[must_use]
    pub fn name(&self) -> String {
        match self {
            Self::Kafka(KafkaMapping {
                cluster: KafkaCluster::SelfManaged { bootstrap_servers },
                ..
            }) => bootstrap_servers.join(","),
            source => source.arn().map_or_else(String::new, ToString::to_string),
        }
    }

    /// Returns the most records a batch may hold.
    #[must_use]
    pub const fn batch_size(&self) -> u32 {
        match self {
            Self::Sqs(sqs) => sqs.batch_size,
            Self::Kinesis(kinesis) => kinesis.settings.batch_size,
            Self::DynamoDb(dynamodb) => dynamodb.settings.batch_size,
            Self::Kafka(kafka) => kafka.batch_size,
            Self::Mq(mq) => mq.batch_size,
            Self::DocumentDb(documentdb) => documentdb.batch_size,
        }
    }

    /// Returns how long a batch may be gathered; 500 ms where no window was given to a source with
    /// that default (Lambda API reference, `MaximumBatchingWindowInSeconds`).
    #[must_use]
    pub fn window(&self) -> Duration {
        match self {
            Self::Sqs(sqs) => sqs.window,
            Self::Kinesis(kinesis) => kinesis.settings.window,
            Self::DynamoDb(dynamodb) => dynamodb.settings.window,
            // No window can be set there (Lambda API reference, `ConsumptionMode`).
            Self::Kafka(kafka) if kafka.is_queue() => Duration::ZERO,
            Self::Kafka(KafkaMapping { window, .. })
            | Self::Mq(MqMapping { window, .. })
            | Self::DocumentDb(DocumentDbMapping { window, .. }) => {
                window.unwrap_or(Duration::from_millis(500))
            }
        }
    }
}

/// The settings of an SQS mapping.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SqsMapping {
    /// The queue.
    pub queue_arn: Arn,
    /// Whether the queue is FIFO.
    pub fifo: bool,
    /// 1 to 10,000, at most 10 for a FIFO queue.
    pub batch_size: u32,
    /// 0 to 300 s; 0 for a FIFO queue, at least 1 s for more than 10 messages.
    pub window: Duration,
    /// Whether the function names the messages that failed.
    pub report_batch_item_failures: bool,
    /// How many functions run at a time.
    pub concurrency: SqsConcurrency,
}

/// What bounds the concurrency of an SQS mapping; the two exclude each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SqsConcurrency {
    /// Scales by itself, up to `maximum` (2 to 1,000) if given.
    OnDemand {
        /// `ScalingConfig.MaximumConcurrency`.
        maximum: Option<u32>,
    },
    /// Dedicated pollers.
    Provisioned(Pollers),
}

/// The settings of a Kinesis mapping.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct KinesisMapping {
    /// The stream, or its consumer.
    pub stream_arn: Arn,
    /// Whether the ARN is that of a consumer with enhanced fan-out.
    pub consumer: bool,
    /// Where shards that exist at creation start.
    pub start: StartingPosition,
    /// What it shares with DynamoDB.
    pub settings: StreamSettings,
}

/// The settings of a DynamoDB stream mapping.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct DynamoDbMapping {
    /// The stream of the table.
    pub stream_arn: Arn,
    /// Where shards that exist at creation start.
    pub start: StreamStart,
    /// What it shares with Kinesis.
    pub settings: StreamSettings,
}

/// Where reading starts in a DynamoDB stream, which cannot look up a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum StreamStart {
    /// At the oldest record kept.
    TrimHorizon,
    /// Just after the newest record.
    Latest,
}

/// What Kinesis and DynamoDB mappings share.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct StreamSettings {
    /// 1 to 10,000.
    pub batch_size: u32,
    /// 0 to 300 s.
    pub window: Duration,
    /// How a shard is divided.
    pub lanes: Lanes,
    /// How often and how long a batch is retried.
    pub retry: RetryPolicy,
    /// Where the description of a discarded batch goes.
    pub on_failure: Option<AwsDestination>,
    /// Whether the function names the first record that failed.
    pub report_batch_item_failures: bool,
}

/// How the batches of one shard follow each other. A tumbling window needs the whole shard in one
/// lane.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Lanes {
    /// So many batches at a time, 1 to 10, in order per partition key or item.
    Parallel(u8),
    /// One batch at a time, with state carried through a window of 1 to 900 s.
    Tumbling(Duration),
}

impl Lanes {
    /// Returns how many batches of one shard run at a time.
    #[must_use]
    pub const fn parallelization_factor(self) -> u8 {
        match self {
            Self::Parallel(factor) => factor,
            Self::Tumbling(_) => 1,
        }
    }

    /// Returns the tumbling window.
    #[must_use]
    pub const fn tumbling_window(self) -> Option<Duration> {
        match self {
            Self::Parallel(_) => None,
            Self::Tumbling(window) => Some(window),
        }
    }
}

/// The settings of a DocumentDB mapping.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct DocumentDbMapping {
    /// The cluster.
    pub cluster_arn: Arn,
    /// The database.
    pub database: String,
    /// One collection; `None` for all.
    pub collection: Option<String>,
    /// Whether updates carry the whole document.
    pub full_document: FullDocument,
    /// Where reading starts.
    pub start: StartingPosition,
    /// 1 to 10,000.
    pub batch_size: u32,
    /// 0 to 300 s; `None` for 500 ms.
    pub window: Option<Duration>,
    /// The secret with user name and password.
    pub credentials: String,
}
