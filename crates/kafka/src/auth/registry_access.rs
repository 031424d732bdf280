//! Who a mapping is to its schema registry (Lambda developer guide, "Using schema registries with Kafka event sources").

use std::fmt;
use std::sync::Arc;

use lambda_esm_core::mapping::SchemaRegistryConfig;

use super::authenticator::Authenticator;
use super::certificates::{ClientCertificate, root_ca};
use super::error::AuthError;
use super::secret::password;
use super::token::TokenSource;

/// With what a registry is asked. Shows no secret.
#[derive(Clone, Default)]
#[non_exhaustive]
pub struct RegistryAccess {
    /// User and password.
    pub basic: Option<(String, String)>,
    /// The client's certificate chain and its key, in PEM.
    pub certificate: Option<(String, String)>,
    /// The authorities that are trusted, in PEM.
    pub root_ca: Option<String>,
    /// Bearer tokens.
    pub tokens: Option<Arc<dyn TokenSource>>,
}

impl fmt::Debug for RegistryAccess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RegistryAccess")
            .field("basic", &self.basic.is_some())
            .field("certificate", &self.certificate.is_some())
            .field("root_ca", &self.root_ca.is_some())
            .field("tokens", &self.tokens.is_some())
            .finish()
    }
}

impl Authenticator {
    /// Returns with what the registry of a mapping is asked, as its secrets are now.
    ///
    /// # Errors
    /// As [`authenticate`](Self::authenticate).
    pub async fn registry_access(
        &self,
        registry: &SchemaRegistryConfig,
    ) -> Result<RegistryAccess, AuthError> {
        let mut access = RegistryAccess::default();
        for entry in registry.access_configs.iter().flatten() {
            let arn = entry.uri.as_deref().unwrap_or_default();
            match entry.r#type.as_deref().unwrap_or_default() {
                "BASIC_AUTH" => {
                    let text = self.secrets.secret(arn).await?;
                    access.basic = Some(password(arn, &text)?);
                }
                "CLIENT_CERTIFICATE_TLS_AUTH" => {
                    let text = self.secrets.secret(arn).await?;
                    let client = ClientCertificate::read(arn, &text)?;
                    if client.key_password.is_some() {
                        let text = format!(
                            "the private key in {arn} is encrypted; a schema registry needs it without a password"
                        );
                        return Err(AuthError::certificate(text));
                    }
                    access.certificate = Some((client.chain, client.key));
                }
                "SERVER_ROOT_CA_CERTIFICATE" => {
                    let text = self.secrets.secret(arn).await?;
                    access.root_ca = Some(root_ca(arn, &text)?);
                }
                "OAUTHBEARER_AUTH" => access.tokens = Some(self.tokens(arn).await?),
                other => {
                    let text = format!("a schema registry is not asked by {other}");
                    return Err(AuthError::configuration(text));
                }
            }
        }
        Ok(access)
    }
}
