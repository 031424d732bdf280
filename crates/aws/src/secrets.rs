//! AWS Secrets Manager.

use std::time::Duration;

use async_trait::async_trait;
use aws_sdk_secretsmanager::Client;
use lambda_esm_core::fault::{SourceError, SourceErrorKind};
use lambda_esm_core::mapping::Arn;
use lambda_esm_engine::secrets::{SecretError, SecretErrorKind, SecretResolver, SecretText};

use crate::client::Clients;
use crate::config::AwsConfig;
use crate::failure::{Call, Service};

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// Secrets Manager in messages and codes (Secrets Manager API reference, `GetSecretValue`).
static SECRET: Service = Service {
    name: "Secrets Manager",
    resource: "secret",
    missing: "create the secret, correct its ARN in SourceAccessConfigurations, or add it to `secrets` of the \
              configuration",
    permissions: "secretsmanager",
    own: kind,
};

fn kind(code: &str, _: Option<&str>) -> Option<SourceErrorKind> {
    match code {
        "ResourceNotFound" => Some(SourceErrorKind::NotFound),
        "DecryptionFailure" => Some(SourceErrorKind::Denied),
        "InternalServiceError" => Some(SourceErrorKind::Transient),
        _ => None,
    }
}

/// Finds secrets in AWS Secrets Manager, the current version of each. Asks each time.
#[derive(Debug)]
pub struct SecretsManager {
    config: AwsConfig,
    clients: Clients<Client>,
}

impl SecretsManager {
    /// Returns the secrets of the AWS that `config` describes. Does no I/O.
    #[must_use]
    pub fn new(config: AwsConfig) -> Self {
        Self {
            config,
            clients: Clients::default(),
        }
    }
}

#[async_trait]
impl SecretResolver for SecretsManager {
    async fn secret(&self, arn: &str) -> Result<SecretText, SecretError> {
        let named = Arn::parse(arn).filter(|arn| arn.service() == "secretsmanager");
        let named = named.ok_or_else(|| {
            SecretError::new(
                SecretErrorKind::NotFound,
                format!(
                    "secret {arn} is named by no ARN of Secrets Manager: must have the form \
                     arn:aws:secretsmanager:REGION:ACCOUNT:secret:NAME"
                ),
            )
        })?;
        let endpoint = self.config.service_endpoint(&named);
        let client = self.clients.get(&endpoint, Client::new);
        let call = Call {
            service: &SECRET,
            operation: "GetSecretValue",
            resource: arn,
            endpoint: &endpoint,
        };
        let request = client.get_secret_value().secret_id(arn);
        let answer = call.within(PATIENCE, request.send()).await;
        let answer = answer.map_err(secret_error)?;
        let text = answer.secret_string.ok_or_else(|| {
            SecretError::new(
                SecretErrorKind::Unusable,
                format!("secret {arn} is binary; must be text"),
            )
        })?;
        SecretText::new(arn, text)
    }
}

fn secret_error(error: SourceError) -> SecretError {
    let kind = match error.kind {
        SourceErrorKind::NotFound => SecretErrorKind::NotFound,
        SourceErrorKind::Denied => SecretErrorKind::Denied,
        SourceErrorKind::Fatal => SecretErrorKind::Unusable,
        _ => SecretErrorKind::Unavailable,
    };
    SecretError::new(kind, error.message)
}
