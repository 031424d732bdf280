//! What a mapping of a share group asks for beyond what every queue has.

use uuid::Uuid;

use super::retries::ShareGroupRetries;
use crate::mapping::{KafkaDestination, KafkaMode, Mapping, RetryPolicy, Source};
use crate::stream::Surroundings;
use crate::stream::config::version;

/// Settings of a mapping in Queue mode.
#[derive(Clone, Debug)]
pub struct ShareGroupConfig {
    /// The mapping.
    pub mapping: Uuid,
    /// The function's ARN as the mapping names it, for the records of what is given up.
    pub function_arn: String,
    /// The version that runs, as far as the mapping tells.
    pub executed_version: String,
    /// How often a record is retried, by what [`retries`](Self::retries) counts; until when; and whether failed batches
    /// are split.
    pub retry: RetryPolicy,
    /// What the number of retries counts.
    pub retries: ShareGroupRetries,
    /// Who is told of records that are given up.
    pub on_failure: Option<KafkaDestination>,
}

impl ShareGroupConfig {
    /// Returns the settings of `mapping`; `None` if it has no share group.
    #[must_use]
    pub fn new(
        mapping: &Mapping,
        around: &Surroundings,
        retries: ShareGroupRetries,
    ) -> Option<Self> {
        let Source::Kafka(kafka) = &mapping.source else {
            return None;
        };
        let retry = match &kafka.mode {
            KafkaMode::OnDemand { .. } => RetryPolicy::default(),
            KafkaMode::Provisioned(provisioned) => provisioned.retry,
        };
        kafka.is_queue().then(|| Self {
            mapping: mapping.uuid,
            function_arn: mapping.function.arn(&around.region, &around.account_id),
            executed_version: version(mapping.function.qualifier()),
            retry: RetryPolicy {
                maximum_retries: kafka.maximum_retries(),
                ..retry
            },
            retries,
            on_failure: kafka.on_failure(),
        })
    }

    /// Returns `MaximumRetryAttempts`: 0 unless it was given (Lambda API reference).
    pub(super) fn attempts(&self) -> u32 {
        self.retry.maximum_retries.unwrap_or_default()
    }

    /// Returns the destination as decisions name it.
    pub(super) fn destination(&self) -> Option<String> {
        Some(match self.on_failure.as_ref()? {
            KafkaDestination::Aws(destination) => destination.arn().as_str().to_owned(),
            KafkaDestination::Topic(topic) => format!("kafka://{topic}"),
        })
    }
}
