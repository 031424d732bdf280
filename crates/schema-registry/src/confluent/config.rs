//! Where a Confluent registry is, and how to authenticate with it.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use thiserror::Error;

/// How long all requests for one schema may take together.
const PATIENCE: Duration = Duration::from_secs(10);

/// Who hands out tokens for `Authorization: Bearer`.
#[async_trait]
pub trait BearerTokens: Send + Sync {
    /// Returns a token that has not expired, of a cache if there is one. Takes seconds at most.
    ///
    /// # Errors
    /// Fails if none can be had now.
    async fn token(&self) -> Result<String, TokenError>;

    /// Is told that the registry refused a token, so that the next one is fetched anew.
    async fn refused(&self, _token: &str) {}
}

/// There is no token; why, in words without secrets.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{0}")]
pub struct TokenError(pub String);

/// A registry with Confluent's API. Its `Debug` shows no secret.
#[derive(Clone)]
pub struct ConfluentConfig {
    pub(super) url: String,
    pub(super) authorization: Authorization,
    pub(super) client_certificate: Option<ClientCertificate>,
    pub(super) root_certificate: Option<String>,
    pub(super) patience: Duration,
}

#[derive(Clone)]
pub(super) enum Authorization {
    None,
    Basic { user: String, password: String },
    Bearer(Arc<dyn BearerTokens>),
}

#[derive(Clone)]
pub(super) struct ClientCertificate {
    pub(super) chain: String,
    pub(super) key: String,
}

impl ConfluentConfig {
    /// Returns a registry without authentication. The URL begins with `http://` or `https://`, and may have a path.
    #[must_use]
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            authorization: Authorization::None,
            client_certificate: None,
            root_certificate: None,
            patience: PATIENCE,
        }
    }

    /// Authenticates with a user and password, in place of tokens.
    #[must_use]
    pub fn with_basic(mut self, user: impl Into<String>, password: impl Into<String>) -> Self {
        self.authorization = Authorization::Basic {
            user: user.into(),
            password: password.into(),
        };
        self
    }

    /// Authenticates with tokens, in place of a password.
    #[must_use]
    pub fn with_bearer(mut self, tokens: Arc<dyn BearerTokens>) -> Self {
        self.authorization = Authorization::Bearer(tokens);
        self
    }

    /// Shows the registry a certificate: in PEM the chain, the client's own first, and the private key, which must
    /// not be encrypted.
    #[must_use]
    pub fn with_client_certificate(
        mut self,
        chain: impl Into<String>,
        key: impl Into<String>,
    ) -> Self {
        self.client_certificate = Some(ClientCertificate {
            chain: chain.into(),
            key: key.into(),
        });
        self
    }

    /// Trusts these authorities, in PEM, and no longer those of this machine.
    #[must_use]
    pub fn with_root_certificate(mut self, pem: impl Into<String>) -> Self {
        self.root_certificate = Some(pem.into());
        self
    }

    /// Sets how long all requests for one schema may take together: 10 seconds unless set.
    #[must_use]
    pub const fn with_patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }
}

impl fmt::Debug for ConfluentConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let authorization = match self.authorization {
            Authorization::None => "none",
            Authorization::Basic { .. } => "basic",
            Authorization::Bearer(_) => "bearer",
        };
        f.debug_struct("ConfluentConfig")
            .field("url", &lambda_esm_core::text::url(&self.url))
            .field("authorization", &authorization)
            .field("client_certificate", &self.client_certificate.is_some())
            .field("root_certificate", &self.root_certificate.is_some())
            .field("patience", &self.patience)
            .finish()
    }
}

/// Why a registry cannot be used as it is configured. No text holds a secret.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ConfluentConfigError {
    /// The URL.
    #[error("SchemaRegistryURI {url:?} {reason}")]
    Url {
        /// The URL without what may be secret.
        url: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The client's certificate or its key.
    #[error("the client certificate for the schema registry {0}")]
    ClientCertificate(String),
    /// The certificate of the authority.
    #[error("the root certificate for the schema registry {0}")]
    RootCertificate(String),
    /// The certificates of this machine cannot be read.
    #[error("the root certificates of this machine cannot be read: {0}")]
    MachineRoots(std::io::Error),
}
