//! Secrets that name who a mapping is to its event source: user names with passwords, certificates with their keys.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use lambda_esm_core::fault::{SourceError, SourceErrorKind};

/// The largest secret, in bytes (AWS Secrets Manager user guide, quotas).
pub const LONGEST_SECRET: usize = 65_536;

/// Finds secrets by their ARN.
///
/// It is asked again whenever a connection is made or a token is renewed, so that a secret that was rotated is found
/// without a restart; an implementation may remember an answer for seconds, not longer.
#[async_trait]
pub trait SecretResolver: Send + Sync + 'static {
    /// Returns the text of the secret that `arn` names, as it is now.
    async fn secret(&self, arn: &str) -> Result<SecretText, SecretError>;
}

#[async_trait]
impl<T: SecretResolver + ?Sized> SecretResolver for Arc<T> {
    async fn secret(&self, arn: &str) -> Result<SecretText, SecretError> {
        (**self).secret(arn).await
    }
}

/// Asks one resolver after the other, until one knows the secret.
#[async_trait]
impl<T: SecretResolver> SecretResolver for Vec<T> {
    async fn secret(&self, arn: &str) -> Result<SecretText, SecretError> {
        let mut unknown = SecretError::new(
            SecretErrorKind::NotFound,
            format!("no secret {arn} is known; add it to `secrets` of the configuration"),
        );
        for resolver in self {
            match resolver.secret(arn).await {
                Err(error) if error.kind == SecretErrorKind::NotFound => unknown = error,
                answer => return answer,
            }
        }
        Err(unknown)
    }
}

/// The text of a secret, at most [`LONGEST_SECRET`] bytes. Is never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct SecretText(Arc<str>);

impl SecretText {
    /// Returns the secret with this text. Fails if it is too long; `arn` names it then.
    pub fn new(arn: &str, text: impl Into<Arc<str>>) -> Result<Self, SecretError> {
        let text = text.into();
        if text.len() <= LONGEST_SECRET {
            return Ok(Self(text));
        }
        let (length, most) = (text.len(), LONGEST_SECRET);
        Err(SecretError::new(
            SecretErrorKind::Unusable,
            format!("secret {arn} has {length} bytes; must be at most {most}"),
        ))
    }

    /// Returns the text itself.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for SecretText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretText(…)")
    }
}

/// Why there is no secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
#[non_exhaustive]
pub struct SecretError {
    /// What to do about it.
    pub kind: SecretErrorKind,
    /// The cause in words, which names the secret and shows nothing of it.
    pub message: String,
}

impl SecretError {
    /// Returns an error of `kind` with the cause in words.
    pub fn new(kind: SecretErrorKind, message: impl Into<String>) -> Self {
        // The same bound and the same escaping as for whatever else comes from outside.
        let SourceError { message, .. } = SourceError::new(SourceErrorKind::Denied, message);
        Self { kind, message }
    }
}

/// The kinds of [`SecretError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SecretErrorKind {
    /// There is no such secret.
    NotFound,
    /// The caller may not read it.
    Denied,
    /// Who has it could not be asked, or did not answer; it may pass by itself.
    Unavailable,
    /// It is there, and is no text that can be used: binary, or too long.
    Unusable,
}
