//! Amazon MSK and self-managed Kafka.

use std::time::Duration;

use super::arn::Arn;
use super::settings::{AwsDestination, Pollers, RetryPolicy, StartingPosition};
use super::structures::SchemaRegistryConfig;
use super::wire::{AccessKind, ConsumptionMode, LogLevel};

/// The settings of a Kafka mapping.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct KafkaMapping {
    /// The cluster.
    pub cluster: KafkaCluster,
    /// The one topic.
    pub topic: String,
    /// How the topic is read, if the request said so; `None` for `Stream`.
    pub consumption: Option<ConsumptionMode>,
    /// Where a consumer group without committed offsets starts. Says nothing in Queue mode, where the
    /// brokers decide by the group's `share.auto.offset.reset`.
    pub start: StartingPosition,
    /// The consumer group to join, in Queue mode the share group.
    pub consumer_group_id: String,
    /// 1 to 10,000.
    pub batch_size: u32,
    /// 0 to 300 s; `None` for 500 ms, and in Queue mode for no window.
    pub window: Option<Duration>,
    /// Credentials and network, in the order given.
    pub access: Vec<Access>,
    /// Shared or dedicated pollers.
    pub mode: KafkaMode,
}

impl KafkaMapping {
    /// Tells whether the topic is read by a share group.
    #[must_use]
    pub const fn is_queue(&self) -> bool {
        matches!(self.consumption, Some(ConsumptionMode::Queue))
    }

    /// Returns how often a failed batch is retried. For a consumer group, an on-failure destination without a
    /// limit of its own means ten retries (Lambda developer guide, Kafka on-failure destinations); a share
    /// group has no retries unless they are asked for (Lambda API reference, `MaximumRetryAttempts`).
    #[must_use]
    pub const fn maximum_retries(&self) -> Option<u32> {
        let (given, destination) = match &self.mode {
            KafkaMode::OnDemand { on_failure } => (None, on_failure.is_some()),
            KafkaMode::Provisioned(provisioned) => (
                provisioned.retry.maximum_retries,
                provisioned.on_failure.is_some(),
            ),
        };
        match given {
            Some(given) => Some(given),
            None if self.is_queue() => Some(0),
            None if destination => Some(10),
            None => None,
        }
    }
}

impl KafkaMapping {
    /// Returns where schemas are looked up.
    #[must_use]
    pub const fn schema_registry(&self) -> Option<&SchemaRegistryConfig> {
        match &self.mode {
            KafkaMode::OnDemand { .. } => None,
            KafkaMode::Provisioned(provisioned) => provisioned.schema_registry.as_ref(),
        }
    }

    /// Returns where discarded records go.
    #[must_use]
    pub fn on_failure(&self) -> Option<KafkaDestination> {
        match &self.mode {
            KafkaMode::OnDemand { on_failure } => on_failure.clone().map(KafkaDestination::Aws),
            KafkaMode::Provisioned(provisioned) => provisioned.on_failure.clone(),
        }
    }
}

/// A Kafka cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum KafkaCluster {
    /// Amazon MSK.
    Msk {
        /// The cluster, or a VPC connection to it.
        arn: Arn,
    },
    /// Named by its servers.
    SelfManaged {
        /// 1 to 10 `host:port`.
        bootstrap_servers: Vec<String>,
    },
}

/// Who polls a Kafka topic.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum KafkaMode {
    /// Shared pollers.
    OnDemand {
        /// Where the description of a discarded batch goes.
        on_failure: Option<AwsDestination>,
    },
    /// Dedicated pollers, which can do more.
    Provisioned(Box<ProvisionedKafka>),
}

/// What a Kafka mapping can do in provisioned mode only (Lambda developer guide, Kafka scaling
/// modes).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ProvisionedKafka {
    /// How many pollers.
    pub pollers: Pollers,
    /// The group that shares event poller units.
    pub poller_group: Option<String>,
    /// How often and how long a batch is retried.
    pub retry: RetryPolicy,
    /// Whether the function names the records that failed.
    pub report_batch_item_failures: bool,
    /// Where a discarded batch goes.
    pub on_failure: Option<KafkaDestination>,
    /// Where schemas are looked up.
    pub schema_registry: Option<SchemaRegistryConfig>,
    /// The level of the mapping's own log.
    pub log_level: Option<LogLevel>,
}

/// One entry of `SourceAccessConfigurations`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Access {
    /// What it is.
    pub kind: AccessKind,
    /// The secret's ARN, `subnet:...`, `security_group:...`, the scope, the audience or the identifier; `None`
    /// where an IAM role is all that it takes, and only there.
    pub uri: Option<String>,
}

/// A destination of a Kafka mapping in provisioned mode.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum KafkaDestination {
    /// Outside Kafka.
    Aws(AwsDestination),
    /// Another topic of the same cluster.
    Topic(String),
}
