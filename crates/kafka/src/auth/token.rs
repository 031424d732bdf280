//! Tokens of SASL/OAUTHBEARER.

use std::fmt;

use lambda_esm_core::Timestamp;
use lambda_esm_core::setters;
use tokio::sync::watch;

use super::error::AuthError;

/// A token, which lets a client in until it expires. Its text is never shown.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Token {
    /// What is sent: printable ASCII.
    pub text: String,
    /// When it ends to be valid.
    pub expires: Timestamp,
    /// Whom it is about, for messages.
    pub principal: String,
    /// SASL extensions that are sent with it (RFC 7628, section 3.1).
    pub extensions: Vec<(String, String)>,
}

impl Token {
    /// Returns a token without extensions.
    pub fn new(text: impl Into<String>, expires: Timestamp, principal: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            expires,
            principal: principal.into(),
            extensions: Vec::new(),
        }
    }
}

setters!(Token {
    with_extensions sets extensions: Vec<(String, String)>,
});

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Token")
            .field("expires", &self.expires)
            .field("principal", &self.principal)
            .field("extensions", &self.extensions)
            .finish_non_exhaustive()
    }
}

/// Has a token at any time, and renews it well before it expires. The secret is read anew for each, so that one that
/// was rotated is picked up.
pub trait TokenSource: Send + Sync + 'static {
    /// Returns a token that is valid now, at once if there is one. Otherwise waits for the renewal that is under way,
    /// five seconds at most, on the calling thread; it is called from the thread that polls the client.
    fn token(&self) -> Result<Token, AuthError>;

    /// Returns the newest token at any time, and tells when there is a newer one; for clients that are
    /// given each by `give_token`.
    fn watch(&self) -> watch::Receiver<Token>;

    /// Has the token renewed now, whatever is left of it: to be called when a broker refused it.
    fn renew(&self);
}
