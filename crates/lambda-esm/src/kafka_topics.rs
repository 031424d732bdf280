//! Finds the topics of Kafka mappings, with their schema registries.

use std::sync::Arc;

use async_trait::async_trait;
use lambda_esm_aws::AwsConfig;
use lambda_esm_core::fault::SourceError;
use lambda_esm_core::mapping::{KafkaCluster, KafkaMapping, Mapping, Source};
use lambda_esm_engine::ports::{SourceProvider, TopicSource};
use lambda_esm_kafka::{Authenticator, Connect as _, KafkaOptions, KafkaTopic, MappingConnection};
use lambda_esm_schema_registry::DecodedTopic;

use crate::config::Configuration;
use crate::kafka_authentication::authenticator;
use crate::kafka_registry::decoder;

/// Reads the topics of Amazon MSK and of self-managed clusters.
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
