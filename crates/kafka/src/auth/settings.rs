//! What a client is made with.

use std::fmt;
use std::sync::Arc;

use lambda_esm_engine::secrets::SecretText;

use super::token::TokenSource;

/// How a client finds its cluster, and who it is there. Two are equal if a client made with either is let in or refused
/// alike: when they differ, a secret was rotated, and the client is to be made anew. Shows no secret.
#[derive(Clone)]
pub struct ClientSettings {
    pub(super) properties: Vec<(&'static str, String)>,
    pub(super) tokens: Option<Arc<dyn TokenSource>>,
    /// What the tokens are asked for with.
    pub(super) grant: Option<GrantIdentity>,
}

/// What decides which tokens one gets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct GrantIdentity {
    /// The kind of grant, scope, audience, and whatever else is no secret.
    pub(super) public: String,
    pub(super) secret: Option<SecretText>,
}

/// Properties whose values may be shown.
const PUBLIC: [&str; 3] = ["bootstrap.servers", "security.protocol", "sasl.mechanism"];

impl ClientSettings {
    /// Returns settings for `bootstrap.servers` and `security.protocol`.
    #[must_use]
    pub fn new(servers: &str, protocol: &str) -> Self {
        Self {
            properties: vec![
                ("bootstrap.servers", servers.to_owned()),
                ("security.protocol", protocol.to_owned()),
            ],
            tokens: None,
            grant: None,
        }
    }

    /// Sets a property, named as librdkafka has it.
    pub fn set(&mut self, name: &'static str, value: impl Into<String>) {
        self.properties.push((name, value.into()));
    }

    /// Has the client ask for tokens here.
    #[must_use]
    pub fn with_tokens(mut self, tokens: Arc<dyn TokenSource>) -> Self {
        self.tokens = Some(tokens);
        self
    }

    /// Returns the properties, named as librdkafka has them. They are secret but for the servers, the protocol and the
    /// mechanism.
    #[must_use]
    pub fn properties(&self) -> &[(&'static str, String)] {
        &self.properties
    }

    /// Returns the value of a property.
    #[must_use]
    pub fn property(&self, name: &str) -> Option<&str> {
        let found = self.properties.iter().find(|(known, _)| *known == name);
        found.map(|(_, value)| value.as_str())
    }

    /// Returns the servers that the client begins with: `host:port[,host:port…]`.
    #[must_use]
    pub fn bootstrap_servers(&self) -> &str {
        self.property("bootstrap.servers").unwrap_or_default()
    }

    /// Returns who has tokens for the client; `None` if it needs none.
    #[must_use]
    pub fn tokens(&self) -> Option<&Arc<dyn TokenSource>> {
        self.tokens.as_ref()
    }
}

impl PartialEq for ClientSettings {
    fn eq(&self, other: &Self) -> bool {
        self.properties == other.properties && self.grant == other.grant
    }
}

impl Eq for ClientSettings {}

impl fmt::Debug for ClientSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut map = f.debug_map();
        for (name, value) in &self.properties {
            let shown = if PUBLIC.contains(name) { value } else { "…" };
            map.entry(name, &shown);
        }
        if let Some(grant) = &self.grant {
            map.entry(&"tokens", &grant.public);
        }
        map.finish()
    }
}
