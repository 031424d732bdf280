//! How a mapping says who it is: one mechanism, and whom it trusts.

use lambda_esm_core::mapping::{Access, AccessKind};

use super::error::AuthError;

/// `SourceAccessConfigurations` of a Kafka mapping, sorted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct KafkaAccess {
    pub(super) mechanism: Mechanism,
    /// The ARN of the secret with the certificate authority of the brokers.
    pub(super) root_ca: Option<String>,
}

/// How to authenticate. Secrets are named by their ARNs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Mechanism {
    /// By nothing that the mapping names.
    Unnamed,
    /// With user name and password.
    Password(PasswordMechanism, String),
    /// With a client certificate.
    Certificate(String),
    /// With tokens of an OAuth server.
    Oauth(OauthAccess),
    /// With the AWS identity, as Amazon MSK has it.
    Iam,
    /// With tokens of AWS STS for this audience.
    WebIdentity(String),
}

/// The mechanisms that take user name and password.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PasswordMechanism {
    Plain,
    Scram256,
    Scram512,
}

impl PasswordMechanism {
    /// Returns its SASL name.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Plain => "PLAIN",
            Self::Scram256 => "SCRAM-SHA-256",
            Self::Scram512 => "SCRAM-SHA-512",
        }
    }
}

/// What tokens of an OAuth server are asked for with, and sent with.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct OauthAccess {
    /// The ARN of the secret.
    pub(super) secret: String,
    pub(super) scope: Option<String>,
    pub(super) audience: Option<String>,
    /// The identifier of a logical cluster of Confluent Cloud.
    pub(super) logical_cluster: Option<String>,
    /// The identifier of an identity pool of Confluent Cloud.
    pub(super) identity_pool: Option<String>,
}

impl OauthAccess {
    /// Returns the SASL extensions.
    pub(super) fn extensions(&self) -> Vec<(String, String)> {
        let extensions = [
            ("logicalCluster", &self.logical_cluster),
            ("identityPoolId", &self.identity_pool),
        ];
        let given =
            |(name, value): (&str, &Option<String>)| Some((name.to_owned(), value.clone()?));
        extensions.into_iter().filter_map(given).collect()
    }
}

impl KafkaAccess {
    /// Sorts the entries. Fails if they name two mechanisms, or a kind lacks its URI; a mapping that was checked has
    /// neither.
    pub(super) fn of(entries: &[Access]) -> Result<Self, AuthError> {
        let find = |kind: AccessKind| entries.iter().find(|entry| entry.kind == kind);
        let optional = |kind| find(kind).map(uri).transpose();
        let audience = optional(AccessKind::OauthbearerAudience)?;
        let mut found = Vec::new();
        for entry in entries {
            let password = |mechanism| Ok(Mechanism::Password(mechanism, uri(entry)?));
            let mechanism: Result<Mechanism, AuthError> = match entry.kind {
                AccessKind::BasicAuth => password(PasswordMechanism::Plain),
                AccessKind::SaslScram256Auth => password(PasswordMechanism::Scram256),
                AccessKind::SaslScram512Auth => password(PasswordMechanism::Scram512),
                AccessKind::ClientCertificateTlsAuth => uri(entry).map(Mechanism::Certificate),
                AccessKind::OauthbearerAuth => Ok(Mechanism::Oauth(OauthAccess {
                    secret: uri(entry)?,
                    scope: optional(AccessKind::OauthbearerScope)?,
                    audience: audience.clone(),
                    logical_cluster: optional(AccessKind::OauthbearerLogicalCluster)?,
                    identity_pool: optional(AccessKind::OauthbearerIdentityPool)?,
                })),
                AccessKind::IamAuth => Ok(Mechanism::Iam),
                AccessKind::IamOauthbearerAuth => {
                    let audience = audience.clone();
                    let audience = audience.ok_or_else(|| missing("OAUTHBEARER_AUDIENCE"));
                    audience.map(Mechanism::WebIdentity)
                }
                _ => continue,
            };
            found.push((entry.kind, mechanism?));
        }
        let root_ca = optional(AccessKind::ServerRootCaCertificate)?;
        if let [(first, _), (second, _), ..] = &found[..] {
            return Err(AuthError::configuration(format!(
                "SourceAccessConfigurations names {} and {}; name one way to authenticate",
                first.as_str(),
                second.as_str()
            )));
        }
        let mechanism = found.pop().map(|(_, mechanism)| mechanism);
        Ok(Self {
            mechanism: mechanism.unwrap_or(Mechanism::Unnamed),
            root_ca,
        })
    }
}

fn uri(entry: &Access) -> Result<String, AuthError> {
    entry
        .uri
        .clone()
        .filter(|uri| !uri.is_empty())
        .ok_or_else(|| missing(entry.kind.as_str()))
}

fn missing(kind: &str) -> AuthError {
    AuthError::configuration(format!(
        "SourceAccessConfigurations has no URI for {kind}; add it"
    ))
}
