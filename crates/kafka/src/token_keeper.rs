//! Keeps clients in tokens.

use std::sync::Arc;

use rdkafka::ClientContext;
use rdkafka::client::Client;

use crate::auth::{AuthError, Token, TokenSource, give_token};

/// Keeps one client in tokens.
pub(crate) struct TokenKeeper {
    tokens: Arc<dyn TokenSource>,
    given: Option<Token>,
}

impl TokenKeeper {
    /// Returns the keeper of a client that has no token yet.
    pub(crate) const fn new(tokens: Arc<dyn TokenSource>) -> Self {
        let given = None;
        Self { tokens, given }
    }

    /// Gives the client the token of now, if it has another one. To be called every second or so, on a thread that may
    /// wait; the tokens are renewed well before they expire.
    pub(crate) fn keep<C: ClientContext>(&mut self, client: &Client<C>) -> Result<(), AuthError> {
        let token = self.tokens.token()?;
        if self.given.as_ref() != Some(&token) {
            // Why not is not told: it might show the token.
            let given = give_token(client, &token);
            given.map_err(|_| AuthError::sasl("the client takes no such token"))?;
            self.given = Some(token);
        }
        Ok(())
    }

    /// Has the token renewed: a broker refused it.
    pub(crate) fn renew(&self) {
        self.tokens.renew();
    }
}
