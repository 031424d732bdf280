//! What an import comes to.

use std::collections::BTreeMap;

use lambda_esm_core::mapping::CreateEventSourceMapping;
use serde::Serialize;

use super::format::Format;

/// How a template is imported.
#[derive(Clone, Debug)]
pub struct ImportSettings {
    /// What the template is; `None` to tell by its content.
    pub format: Option<Format>,
    /// The region of ARNs that AWS would assign; `None` for `us-east-1`, or that of the mappings that AWS has printed.
    pub region: Option<String>,
    /// The account of them, 12 digits; `None` likewise, for `000000000000`.
    pub account_id: Option<String>,
    /// Values of parameters, exports and variables by name, before their defaults.
    pub parameters: BTreeMap<String, String>,
}

impl ImportSettings {
    /// Tells the format by content, and takes defaults for all else.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            format: None,
            region: None,
            account_id: None,
            parameters: BTreeMap::new(),
        }
    }
}

impl Default for ImportSettings {
    fn default() -> Self {
        Self::new()
    }
}

/// A template as far as event source mappings go.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Imported {
    /// What the template is.
    pub format: Format,
    /// The region of its ARNs.
    pub region: String,
    /// The account of its ARNs.
    pub account_id: String,
    /// The mappings, all of them valid.
    pub mappings: Vec<ImportedMapping>,
    /// The functions that the mappings call.
    pub functions: Vec<ImportedFunction>,
    /// What the mappings read, and what the template says of it.
    pub sources: Vec<ImportedSource>,
    /// What could not be carried, and why, in the order of the template.
    pub not_carried: Vec<NotCarried>,
}

/// Where in a template something stands.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Origin {
    /// The line, from 1.
    pub line: usize,
    /// The path, such as `Resources.Ship.Properties.Events.Orders`.
    pub path: String,
}

/// One mapping.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ImportedMapping {
    /// The request that creates it.
    pub request: CreateEventSourceMapping,
    /// Where it stands.
    pub origin: Origin,
}

/// One function.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ImportedFunction {
    /// Its bare name.
    pub name: String,
    /// 1 to 900 s; `None` if the template does not say.
    pub timeout_seconds: Option<u32>,
    /// 128 to 10,240 MB; `None` if the template does not say.
    pub memory_mb: Option<u32>,
    /// What it may run at a time, of which nobody else takes; `None` for no reservation.
    pub reserved_concurrency: Option<u32>,
    /// For example `python3.13`.
    pub runtime: Option<String>,
    /// For example `app.handler`.
    pub handler: Option<String>,
    /// Where it stands; `None` if it is not in the template.
    pub origin: Option<Origin>,
}

/// What a mapping reads, as far as the template says. `None` where it does not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum ImportedSource {
    /// An SQS queue.
    Queue {
        /// Its ARN.
        arn: String,
        /// Whether it is a FIFO queue.
        fifo: bool,
        /// 0 to 43,200 s; 30 s if the template leaves it out.
        visibility_timeout_seconds: Option<u32>,
        /// How often a message is received before it is moved to the dead-letter queue.
        max_receive_count: Option<u32>,
        /// The ARN of the dead-letter queue.
        dead_letter_queue: Option<String>,
        /// Where it stands; `None` if it is not in the template.
        origin: Option<Origin>,
    },
    /// A Kinesis stream.
    KinesisStream {
        /// Its ARN, or that of a consumer of it.
        arn: String,
        /// How many shards it has, if it is provisioned.
        shards: Option<u32>,
        /// Whether AWS chooses how many shards it has.
        on_demand: bool,
        /// 24 to 8,760 hours.
        retention_hours: Option<u32>,
        /// Where it stands; `None` if it is not in the template.
        origin: Option<Origin>,
    },
    /// The stream of a DynamoDB table.
    TableStream {
        /// The ARN of the stream.
        arn: String,
        /// What a record holds, such as `NEW_AND_OLD_IMAGES`.
        view: Option<String>,
        /// Where the table stands; `None` if it is not in the template.
        origin: Option<Origin>,
    },
    /// A Kafka topic.
    Topic {
        /// The ARN of the cluster, or its bootstrap servers.
        cluster: String,
        /// Its name.
        topic: String,
        /// How many partitions it has.
        partitions: Option<u32>,
        /// Where the cluster stands; `None` if it is not in the template.
        origin: Option<Origin>,
    },
    /// A queue of an Amazon MQ broker.
    BrokerQueue {
        /// The ARN of the broker.
        arn: String,
        /// `ACTIVEMQ` or `RABBITMQ`.
        engine: Option<String>,
        /// The queue.
        queue: String,
        /// Where the broker stands; `None` if it is not in the template.
        origin: Option<Origin>,
    },
    /// A DocumentDB cluster.
    DocumentDb {
        /// Its ARN.
        arn: String,
        /// Where it stands; `None` if it is not in the template.
        origin: Option<Origin>,
    },
}

impl ImportedSource {
    /// Returns its ARN, or the bootstrap servers of a cluster that has none.
    #[must_use]
    pub fn arn(&self) -> &str {
        match self {
            Self::Queue { arn, .. }
            | Self::KinesisStream { arn, .. }
            | Self::TableStream { arn, .. }
            | Self::BrokerQueue { arn, .. }
            | Self::DocumentDb { arn, .. } => arn,
            Self::Topic { cluster, .. } => cluster,
        }
    }
}

/// What could not be carried.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NotCarried {
    /// The line, from 1.
    pub line: usize,
    /// The path of what holds the property.
    pub path: String,
    /// The property.
    pub property: String,
    /// Its value as it is written.
    pub value: String,
    /// Why.
    pub reason: String,
    /// What to do about it.
    pub way_out: String,
}
