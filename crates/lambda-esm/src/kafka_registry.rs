//! The schema registries of Kafka mappings, and who the daemon is to them.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use lambda_esm_aws::{AwsConfig, GlueApi};
use lambda_esm_core::fault::{SourceError, SourceErrorKind};
use lambda_esm_core::mapping::{Arn, SchemaRegistryConfig};
use lambda_esm_kafka::{Authenticator, TokenSource};
use lambda_esm_schema_registry::{
    BearerTokens, ConfluentConfig, ConfluentRegistry, DecoderSettings, Framing, GlueAnswer,
    GlueCall, GlueRegistry, LookupError, RecordDecoder, RecordFormat, RegisteredSchema, SchemaId,
    SchemaLookup, TokenError,
};
use tokio::sync::Mutex;
use tokio::time::Instant;

/// How often secrets are read again while the registry cannot be asked with those there were.
const READ_AGAIN: Duration = Duration::from_secs(10);

/// Returns what decodes the records of a mapping.
///
/// # Errors
/// Fails if a secret cannot be read, or what a mapping says of its registry cannot be used.
pub(crate) async fn decoder(
    registry: &SchemaRegistryConfig,
    authenticator: &Authenticator,
    aws: &AwsConfig,
) -> Result<RecordDecoder, SourceError> {
    let uri = registry.schema_registry_uri.as_deref().unwrap_or_default();
    let (lookup, framing): (Arc<dyn SchemaLookup>, _) = match Arn::parse(uri) {
        Some(arn) => {
            let api = GlueApi::new(aws, &arn);
            let api = api.map_err(|error| fatal(format!("{uri} cannot be asked: {error}")))?;
            (
                Arc::new(GlueRegistry::new(Arc::new(Glue(api)))),
                Framing::Glue,
            )
        }
        None => {
            let confluent = Confluent::new(authenticator.clone(), registry.clone()).await?;
            (Arc::new(confluent), Framing::Confluent)
        }
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

fn fatal(text: String) -> SourceError {
    SourceError::new(SourceErrorKind::Fatal, text)
}

/// A Confluent registry, whose secrets may change.
struct Confluent {
    authenticator: Authenticator,
    config: SchemaRegistryConfig,
    client: Mutex<Client>,
}

/// A client with the secrets as they were.
struct Client {
    registry: ConfluentRegistry,
    read: Instant,
    /// Whether it had no answer since.
    has_failed: bool,
}

impl Confluent {
    async fn new(
        authenticator: Authenticator,
        config: SchemaRegistryConfig,
    ) -> Result<Self, SourceError> {
        let client = Client {
            registry: connect(&authenticator, &config).await?,
            read: Instant::now(),
            has_failed: false,
        };
        Ok(Self {
            authenticator,
            config,
            client: Mutex::new(client),
        })
    }

    async fn registry(&self) -> ConfluentRegistry {
        let mut client = self.client.lock().await;
        if client.has_failed && client.read.elapsed() >= READ_AGAIN {
            // Secrets that cannot be read now leave those that there are.
            if let Ok(registry) = connect(&self.authenticator, &self.config).await {
                client.registry = registry;
            }
            client.read = Instant::now();
            client.has_failed = false;
        }
        client.registry.clone()
    }
}

#[async_trait]
impl SchemaLookup for Confluent {
    async fn schema(&self, id: SchemaId) -> Result<RegisteredSchema, LookupError> {
        let answer = self.registry().await.schema(id).await;
        if let Err(LookupError::Unavailable(_)) = &answer {
            self.client.lock().await.has_failed = true;
        }
        answer
    }
}

async fn connect(
    authenticator: &Authenticator,
    registry: &SchemaRegistryConfig,
) -> Result<ConfluentRegistry, SourceError> {
    let url = registry.schema_registry_uri.as_deref().unwrap_or_default();
    let access = authenticator.registry_access(registry).await?;
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
    ConfluentRegistry::new(&config).map_err(|error| {
        fatal(format!(
            "the schema registry {url} cannot be asked: {error}"
        ))
    })
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
