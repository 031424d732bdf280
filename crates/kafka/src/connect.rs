//! Where a cluster is and who the mapping is there.

use async_trait::async_trait;
use lambda_esm_core::fault::SourceError;

/// How a client finds its cluster, and who it is there.
#[derive(Clone, PartialEq, Eq)]
pub struct ClientSettings {
    properties: Vec<(&'static str, String)>,
}

impl ClientSettings {
    /// Returns settings for `bootstrap.servers` and `security.protocol`.
    #[must_use]
    pub fn new(servers: &str, protocol: &str) -> Self {
        Self {
            properties: vec![
                ("bootstrap.servers", servers.to_owned()),
                ("security.protocol", protocol.to_owned()),
            ],
        }
    }

    /// Returns the properties, named as librdkafka has them.
    #[must_use]
    pub fn properties(&self) -> &[(&'static str, String)] {
        &self.properties
    }

    /// Returns the servers that the client begins with: `host:port[,host:port…]`.
    #[must_use]
    pub fn bootstrap_servers(&self) -> &str {
        let found = self.properties.iter();
        let mut found = found.filter(|(name, _)| *name == "bootstrap.servers");
        found.next().map_or("", |(_, value)| value)
    }
}

/// Finds out how to connect to a cluster: addresses, and credentials from secrets.
#[async_trait]
pub trait Connect: Send + Sync + 'static {
    /// Returns the settings as they are now. Called for each client that is made, and again and again while its
    /// credentials are refused: once the settings differ, a secret was rotated, and the client is made anew.
    async fn settings(&self) -> Result<ClientSettings, SourceError>;
}
