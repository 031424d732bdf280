//! Where a cluster is and who the mapping is there.

use async_trait::async_trait;
use lambda_esm_core::fault::SourceError;
use lambda_esm_core::mapping::KafkaMapping;

use crate::auth::{Authenticator, ClientSettings};

/// Finds out how to connect to a cluster: addresses, and credentials from secrets.
#[async_trait]
pub trait Connect: Send + Sync + 'static {
    /// Returns the settings as they are now. Called for each client that is made, and again and again while its
    /// credentials are refused: once the settings differ, a secret was rotated, and the client is made anew.
    async fn settings(&self) -> Result<ClientSettings, SourceError>;
}

/// How a mapping's clients connect.
pub struct MappingConnection {
    authenticator: Authenticator,
    mapping: KafkaMapping,
}

impl MappingConnection {
    /// Returns the connection of a mapping.
    #[must_use]
    pub const fn new(authenticator: Authenticator, mapping: KafkaMapping) -> Self {
        Self {
            authenticator,
            mapping,
        }
    }
}

#[async_trait]
impl Connect for MappingConnection {
    async fn settings(&self) -> Result<ClientSettings, SourceError> {
        let settings = self.authenticator.authenticate(&self.mapping).await;
        settings.map_err(SourceError::from)
    }
}
