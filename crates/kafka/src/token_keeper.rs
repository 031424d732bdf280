//! Gives clients their tokens. librdkafka's binding asks for them, too, but has no place for SASL extensions.

use std::ffi::{CString, NulError, c_char};
use std::sync::Arc;

use rdkafka::ClientContext;
use rdkafka::bindings::rd_kafka_oauthbearer_set_token;
use rdkafka::client::Client;
use rdkafka::error::IsError;

use crate::auth::{AuthError, Token, TokenSource};

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
            let given = give(client, &token);
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

/// A token is not to be sent as it is. Why is not told, as that would show it.
struct NotGiven;

impl From<NulError> for NotGiven {
    fn from(_: NulError) -> Self {
        Self
    }
}

#[expect(unsafe_code, reason = "a call that the binding does not have")]
fn give<C: ClientContext>(client: &Client<C>, token: &Token) -> Result<(), NotGiven> {
    let text = CString::new(token.text.as_str())?;
    let principal = CString::new(token.principal.as_str())?;
    let mut extensions = Vec::with_capacity(2 * token.extensions.len());
    for (name, value) in &token.extensions {
        extensions.push(CString::new(name.as_str())?);
        extensions.push(CString::new(value.as_str())?);
    }
    let mut pointers: Vec<*const c_char> = extensions.iter().map(|text| text.as_ptr()).collect();
    let mut error: [c_char; 512] = [0; 512];
    // SAFETY: the client lives as long as its borrow. The texts end with a zero and outlive the call, which copies them;
    // the lengths are those of the arrays.
    let code = unsafe {
        rd_kafka_oauthbearer_set_token(
            client.native_ptr(),
            text.as_ptr(),
            token.expires.0,
            principal.as_ptr(),
            pointers.as_mut_ptr(),
            pointers.len(),
            error.as_mut_ptr(),
            error.len(),
        )
    };
    match code.is_error() {
        true => Err(NotGiven),
        false => Ok(()),
    }
}
