//! Finds the topics of Kafka mappings, with their schema registries.

use std::sync::Arc;

use async_trait::async_trait;
use lambda_esm_aws::{AwsConfig, GlueApi};
use lambda_esm_core::fault::{SourceError, SourceErrorKind};
use lambda_esm_core::mapping::{
    Arn, KafkaCluster, KafkaMapping, Mapping, SchemaRegistryConfig, Source,
};
use lambda_esm_engine::ports::{SourceProvider, TopicSource};
use lambda_esm_kafka::{
    Authenticator, Connect as _, KafkaOptions, KafkaTopic, MappingConnection, TokenSource,
};
use lambda_esm_schema_registry::{
    BearerTokens, ConfluentConfig, ConfluentRegistry, DecodedTopic, DecoderSettings, Framing,
    GlueAnswer, GlueCall, GlueRegistry, RecordDecoder, RecordFormat, SchemaLookup, TokenError,
};

use crate::config::Configuration;
use crate::kafka_authentication::authenticator;

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

    async fn decoder(&self, registry: &SchemaRegistryConfig) -> Result<RecordDecoder, SourceError> {
        let uri = registry.schema_registry_uri.as_deref().unwrap_or_default();
        let (lookup, framing): (Arc<dyn SchemaLookup>, _) = match Arn::parse(uri) {
            Some(arn) => {
                let api = GlueApi::new(&self.aws, &arn);
                let api = api.map_err(|error| fatal(format!("{uri} cannot be asked: {error}")))?;
                (
                    Arc::new(GlueRegistry::new(Arc::new(Glue(api)))),
                    Framing::Glue,
                )
            }
            None => (self.confluent(uri, registry).await?, Framing::Confluent),
        };
        let format = match registry.event_record_format.as_deref() {
            Some("SOURCE") => RecordFormat::Source,
            _ => RecordFormat::Json,
        };
        let selected = |attribute: &str| {
            let mut selected = registry.schema_validation_configs.iter().flatten();
            selected.any(|each| each.attribute.as_deref() == Some(attribute))
        };
        let settings = DecoderSettings::new(framing, format)
            .with_keys(selected("KEY"))
            .with_values(selected("VALUE"));
        Ok(RecordDecoder::new(lookup, settings))
    }

    async fn confluent(
        &self,
        url: &str,
        registry: &SchemaRegistryConfig,
    ) -> Result<Arc<dyn SchemaLookup>, SourceError> {
        let access = self.authenticator.registry_access(registry).await?;
        let mut config = ConfluentConfig::new(url);
        if let Some((user, password)) = access.basic {
            config = config.with_basic(user, password);
        }
        if let Some((chain, key)) = access.certificate {
            config = config.with_client_certificate(chain, key);
        }
        if let Some(pem) = access.root_ca {
            config = config.with_root_certificate(pem);
        }
        if let Some(tokens) = access.tokens {
            config = config.with_bearer(Arc::new(Tokens(tokens)));
        }
        let registry = ConfluentRegistry::new(&config);
        let unusable = |error| {
            fatal(format!(
                "the schema registry {url} cannot be asked: {error}"
            ))
        };
        Ok(Arc::new(registry.map_err(unusable)?))
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
        let decoder = self.decoder(registry).await?;
        Ok(Some(Arc::new(DecodedTopic::new(Arc::new(topic), decoder))))
    }
}

fn fatal(text: String) -> SourceError {
    SourceError::new(SourceErrorKind::Fatal, text)
}

/// Glue, asked through AWS's API.
struct Glue(GlueApi);

#[async_trait]
impl GlueCall for Glue {
    async fn call(&self, operation: &'static str, request: String) -> Result<GlueAnswer, String> {
        let (status, body) = self.0.call(operation, request).await?;
        Ok(GlueAnswer::new(status, body))
    }
}

/// The tokens of a cluster's clients, for a registry.
struct Tokens(Arc<dyn TokenSource>);

#[async_trait]
impl BearerTokens for Tokens {
    async fn token(&self) -> Result<String, TokenError> {
        let tokens = self.0.clone();
        // It may wait for a renewal.
        let token = tokio::task::spawn_blocking(move || tokens.token()).await;
        match token {
            Ok(Ok(token)) => Ok(token.text),
            Ok(Err(error)) => Err(TokenError(error.to_string())),
            Err(_) => Err(TokenError("the tokens' source panicked".to_owned())),
        }
    }

    async fn refused(&self, _token: &str) {
        self.0.renew();
    }
}
