//! Who may ask.

mod browser;
mod canonical_request;
mod sigv4;

use hmac::{Hmac, KeyInit, Mac};
use http::header::AUTHORIZATION;
use http::request::Parts;
use http::{HeaderMap, StatusCode};
use lambda_esm_core::Timestamp;
use sha2::Sha256;

use crate::error::Fault;
use crate::options::Auth;

/// Lets a request pass by what is known before its body is read, or says why not. `host` is the
/// address that it names, `now` the engine's time.
pub(crate) fn check_head(
    auth: &Auth,
    parts: &Parts,
    host: Option<&str>,
    now: Timestamp,
) -> Result<(), Fault> {
    let open = matches!(auth, Auth::None);
    browser::check_origin(parts, host, open)?;
    match auth {
        Auth::None => browser::check_host(host),
        Auth::SigV4 { keys, region } => sigv4::check_head(keys, region, parts, now).map(drop),
        Auth::Bearer { token } => bearer(token, &parts.headers),
    }
}

/// Lets a request pass whose head did, now that its whole body is known, or says why not.
pub(crate) fn check_body(
    auth: &Auth,
    parts: &Parts,
    body: &[u8],
    now: Timestamp,
) -> Result<(), Fault> {
    match auth {
        Auth::SigV4 { keys, region } => sigv4::check(keys, region, parts, body, now),
        Auth::None | Auth::Bearer { .. } => Ok(()),
    }
}

fn bearer(token: &str, headers: &HeaderMap) -> Result<(), Fault> {
    let given = headers
        .get(AUTHORIZATION)
        .and_then(|value| value.as_bytes().split_at_checked(7))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case(b"bearer "))
        .map(|(_, given)| given.trim_ascii());
    match given {
        None => Err(Fault::framework(
            StatusCode::UNAUTHORIZED,
            "MissingAuthenticationTokenException",
            "Missing Authentication Token: send `Authorization: Bearer` with the token of api.auth",
        )),
        Some(given) if equal(token.as_bytes(), given) => Ok(()),
        Some(_) => Err(invalid_token()),
    }
}

/// Compares secrets; how long that takes tells nothing of where they differ.
fn equal(secret: &[u8], given: &[u8]) -> bool {
    mac(given, b"token")
        .verify(&mac(secret, b"token").finalize().into_bytes())
        .is_ok()
}

fn mac(key: &[u8], data: &[u8]) -> Hmac<Sha256> {
    // HMAC takes a key of any length.
    let mut mac = match Hmac::<Sha256>::new_from_slice(key) {
        Ok(mac) => mac,
        Err(_) => Hmac::<Sha256>::new(&Default::default()),
    };
    mac.update(data);
    mac
}

/// AWS's answer to credentials it does not know.
fn invalid_token() -> Fault {
    forbidden(
        "UnrecognizedClientException",
        "The security token included in the request is invalid.",
    )
}

fn forbidden(name: &'static str, message: impl Into<std::borrow::Cow<'static, str>>) -> Fault {
    Fault::framework(StatusCode::FORBIDDEN, name, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_equal_only_if_every_byte_is() {
        assert!(equal(b"a secret", b"a secret"));
        for other in [&b"a secreT"[..], b"a secre", b"a secret ", b""] {
            assert!(!equal(b"a secret", other));
        }
    }
}
