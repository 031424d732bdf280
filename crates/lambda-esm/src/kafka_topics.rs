//! Finds the topics of Kafka mappings, with their schema registries, and the share groups of those in Queue mode.

use std::sync::Arc;

use async_trait::async_trait;
use lambda_esm_aws::AwsConfig;
use lambda_esm_core::fault::{SourceError, SourceErrorKind};
use lambda_esm_core::mapping::{KafkaCluster, KafkaMapping, Mapping, Source};
use lambda_esm_engine::ports::{QueueSource, SourceProvider, TopicSource};
use lambda_esm_kafka::{
    Authenticator, Connect as _, KafkaOptions, KafkaShareGroup, KafkaTopic, MappingConnection,
};
use lambda_esm_schema_registry::DecodedTopic;

use crate::config::Configuration;
use crate::kafka_authentication::authenticator;
use crate::kafka_registry::decoder;

/// Reads the topics of Amazon MSK and of self-managed clusters, as a member of consumer groups and of share groups.
pub(crate) struct KafkaTopics {
    authenticator: Authenticator,
    options: KafkaOptions,
    aws: AwsConfig,
}

impl KafkaTopics {
    pub(crate) fn new(configuration: &Configuration) -> Self {
        Self {
            authenticator: authenticator(configuration),
            options: configuration.kafka.options,
            aws: configuration.aws(),
        }
    }
}

#[async_trait]
impl SourceProvider for KafkaTopics {
    async fn queue(&self, mapping: &Mapping) -> Result<Option<Arc<dyn QueueSource>>, SourceError> {
        let kafka = match &mapping.source {
            Source::Kafka(kafka) if kafka.is_queue() => kafka,
            _ => return Ok(None),
        };
        if kafka.schema_registry().is_some() {
            let text = "SchemaRegistryConfig cannot be used with ConsumptionMode Queue in this build: records of a share \
                        group are not decoded; leave it out, or use ConsumptionMode Stream";
            return Err(SourceError::new(SourceErrorKind::Fatal, text));
        }
        let connection = MappingConnection::new(self.authenticator.clone(), kafka.clone());
        Ok(Some(Arc::new(KafkaShareGroup::new(
            Arc::new(connection),
            kafka.topic.clone(),
            kafka.consumer_group_id.clone(),
        ))))
    }

    async fn topic(&self, mapping: &Mapping) -> Result<Option<Arc<dyn TopicSource>>, SourceError> {
        let Source::Kafka(kafka) = &mapping.source else {
            return Ok(None);
        };
        let kafka: &KafkaMapping = kafka;
        let connection = MappingConnection::new(self.authenticator.clone(), kafka.clone());
        // Events of Amazon MSK show the servers that were found.
        let servers = match &kafka.cluster {
            KafkaCluster::SelfManaged { .. } => String::new(),
            _ => connection.settings().await?.bootstrap_servers().to_owned(),
        };
        let topic = KafkaTopic::new(Arc::new(connection), kafka.topic.clone(), self.options)
            .with_bootstrap_servers(servers);
        let Some(registry) = kafka.schema_registry() else {
            return Ok(Some(Arc::new(topic)));
        };
        let decoder = decoder(registry, &self.authenticator, &self.aws).await?;
        Ok(Some(Arc::new(DecodedTopic::new(Arc::new(topic), decoder))))
    }
}
