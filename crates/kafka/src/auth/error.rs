//! Why a client is not let in, in the words that a mapping shows.

use lambda_esm_core::fault::{ReasonCode, SourceError, SourceErrorKind};
use lambda_esm_engine::secrets::{SecretError, SecretErrorKind};

/// What stands between a mapping and its cluster; its text becomes the `LastProcessingResult` (Lambda developer guide,
/// "Troubleshooting Kafka event source mapping").
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ConnectionProblem {
    /// The cluster knows who asks, and does not allow it: topic, group or cluster.
    NotAuthorized,
    /// The cluster refuses user name and password or the token, or there are none.
    SaslFailed,
    /// The broker refuses the client's certificate, or asks for one.
    ServerRefusedClient,
    /// The broker's certificate is not one to be trusted.
    ClientRefusedServer,
    /// The certificate or the private key of a secret is none, or they do not belong together.
    InvalidCertificate,
}

impl ConnectionProblem {
    /// Returns the documented text.
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Self::NotAuthorized => "Cluster failed to authorize Lambda",
            Self::SaslFailed => "SASL authentication failed",
            Self::ServerRefusedClient => "Server failed to authenticate Lambda",
            Self::ClientRefusedServer => "Lambda failed to authenticate server",
            Self::InvalidCertificate => "Provided certificate or private key is invalid",
        }
    }

    /// Returns the reason code for the `StateTransitionReason`. Which code goes with which text is not documented, and
    /// chosen here: a secret is part of the mapping's configuration, a broker's answer is not.
    #[must_use]
    pub const fn reason_code(self) -> ReasonCode {
        match self {
            Self::NotAuthorized => ReasonCode::Authorization,
            Self::SaslFailed | Self::ServerRefusedClient | Self::ClientRefusedServer => {
                ReasonCode::Authentication
            }
            Self::InvalidCertificate => ReasonCode::ConfigNotValid,
        }
    }
}

/// There are no settings with which a client could connect.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
#[non_exhaustive]
pub struct AuthError {
    /// What to do about it.
    pub kind: AuthErrorKind,
    /// What the mapping shows, where that is documented.
    pub problem: Option<ConnectionProblem>,
    /// The cause in words, with the way out and without secrets.
    pub message: String,
}

/// The kinds of [`AuthError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AuthErrorKind {
    /// The mapping asks for what cannot be: a listener that the cluster has not, a URI that is missing.
    Configuration,
    /// A secret is missing, is not what it should be, or is refused.
    Credentials,
    /// Secrets Manager, AWS or the token endpoint did not answer; it may pass by itself.
    Unavailable,
}

impl AuthError {
    /// Returns the reason code for the `StateTransitionReason`; `None` if nothing is wrong that would stay so.
    #[must_use]
    pub const fn reason_code(&self) -> Option<ReasonCode> {
        match (self.kind, self.problem) {
            (AuthErrorKind::Unavailable, _) => None,
            (_, Some(problem)) => Some(problem.reason_code()),
            (AuthErrorKind::Configuration, None) => Some(ReasonCode::ConfigNotValid),
            (AuthErrorKind::Credentials, None) => Some(ReasonCode::Authentication),
        }
    }

    pub(super) fn configuration(message: impl Into<String>) -> Self {
        Self::new(AuthErrorKind::Configuration, None, message)
    }

    pub(crate) fn sasl(message: impl Into<String>) -> Self {
        let problem = Some(ConnectionProblem::SaslFailed);
        Self::new(AuthErrorKind::Credentials, problem, message)
    }

    pub(super) fn certificate(message: impl Into<String>) -> Self {
        let problem = Some(ConnectionProblem::InvalidCertificate);
        Self::new(AuthErrorKind::Credentials, problem, message)
    }

    pub(super) fn unavailable(message: impl Into<String>) -> Self {
        Self::new(AuthErrorKind::Unavailable, None, message)
    }

    fn new(
        kind: AuthErrorKind,
        problem: Option<ConnectionProblem>,
        message: impl Into<String>,
    ) -> Self {
        // The bound and the escaping are those of whatever comes from outside.
        let SourceError { message, .. } = SourceError::new(SourceErrorKind::Denied, message);
        Self {
            kind,
            problem,
            message,
        }
    }
}

impl From<SecretError> for AuthError {
    fn from(error: SecretError) -> Self {
        match error.kind {
            SecretErrorKind::Unavailable => Self::unavailable(error.message),
            _ => Self::new(AuthErrorKind::Credentials, None, error.message),
        }
    }
}

/// The error of a call to AWS.
impl From<SourceError> for AuthError {
    fn from(error: SourceError) -> Self {
        match error.kind {
            SourceErrorKind::Denied => Self::sasl(error.message),
            SourceErrorKind::NotFound | SourceErrorKind::Fatal => {
                Self::configuration(error.message)
            }
            _ => Self::unavailable(error.message),
        }
    }
}

impl From<AuthError> for SourceError {
    fn from(error: AuthError) -> Self {
        let kind = match error.kind {
            AuthErrorKind::Configuration => SourceErrorKind::Fatal,
            AuthErrorKind::Credentials => SourceErrorKind::Denied,
            AuthErrorKind::Unavailable => SourceErrorKind::Transient,
        };
        let reason = error.reason_code();
        let AuthError { message, .. } = error;
        let message = match error.problem {
            Some(problem) => format!("{}: {message}", problem.text()),
            None => message,
        };
        Self::new(kind, message).with_reason(reason)
    }
}
