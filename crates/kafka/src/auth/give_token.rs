//! Tokens with SASL extensions, which rdkafka itself has no way to send.

use std::ffi::{CString, NulError, c_char};

use rdkafka::ClientContext;
use rdkafka::bindings::rd_kafka_oauthbearer_set_token;
use rdkafka::client::Client;
use rdkafka::error::{IsError, KafkaError};
use rdkafka::types::RDKafkaErrorCode;

use super::token::Token;

/// Gives a client a token with its extensions, for all connections that it makes from now on. The client's context must
/// not have `ENABLE_REFRESH_OAUTH_TOKEN`, or rdkafka puts a token without them in its place.
///
/// # Errors
/// Fails if the token has expired, or if it or an extension has characters that cannot be sent (RFC 7628).
#[expect(unsafe_code, reason = "rdkafka's own call gives no extensions")]
pub fn give_token<C: ClientContext>(client: &Client<C>, token: &Token) -> Result<(), KafkaError> {
    let illegal = |_: NulError| KafkaError::Global(RDKafkaErrorCode::InvalidArgument);
    let text = CString::new(token.text.as_str()).map_err(illegal)?;
    let principal = CString::new(token.principal.as_str()).map_err(illegal)?;
    let extensions = token.extensions.iter();
    let extensions = extensions
        .flat_map(|(name, value)| [name, value])
        .map(|text| CString::new(text.as_str()))
        .collect::<Result<Vec<_>, _>>()
        .map_err(illegal)?;
    let mut pointers: Vec<*const c_char> = extensions.iter().map(|text| text.as_ptr()).collect();
    // What librdkafka says may quote the token, and is not looked at.
    let mut said = [0; 512];
    // SAFETY: the client lives as long as its reference. All texts end with NUL and, like `said`, outlive the call,
    // which copies them. `pointers` has as many elements as it is said to have, names and values in turn, and `said`
    // as many bytes.
    let code = unsafe {
        rd_kafka_oauthbearer_set_token(
            client.native_ptr(),
            text.as_ptr(),
            token.expires.millis(),
            principal.as_ptr(),
            pointers.as_mut_ptr(),
            pointers.len(),
            said.as_mut_ptr(),
            said.len(),
        )
    };
    if code.is_error() {
        return Err(KafkaError::Global(code.into()));
    }
    Ok(())
}
