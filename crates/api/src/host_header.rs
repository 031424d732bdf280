//! Which address a request says it was sent to.

use http::header::{HOST, ORIGIN};
use http::request::Parts;
use http::{StatusCode, Version};
use lambda_esm_core::excerpt::cut;

use crate::error::Fault;

/// Returns the address that a request names: that of `Host`. None is needed before HTTP/1.1.
///
/// Fails if there is more than one way to read it (RFC 9112, section 3.2): something between us and the client
/// may have read the other one.
pub(crate) fn named(parts: &Parts) -> Result<Option<&str>, Fault> {
    for name in [HOST, ORIGIN] {
        if parts.headers.get_all(&name).iter().nth(1).is_some() {
            return Err(refused(format!("The header {name} must be there once.")));
        }
    }
    let host = parts.headers.get(HOST);
    let host = host.map(|host| host.to_str().unwrap_or_default());
    if host.is_none() && parts.version >= Version::HTTP_11 {
        return Err(refused("The header Host is missing.".to_owned()));
    }
    if host.is_some_and(|host| host.contains('@')) {
        return Err(refused("The header Host names a user.".to_owned()));
    }
    let Some(target) = parts.uri.authority() else {
        return Ok(host);
    };
    let same = host.is_none_or(|host| target.as_str().eq_ignore_ascii_case(host));
    if !same
        || parts
            .uri
            .scheme_str()
            .is_some_and(|scheme| scheme != "http")
    {
        return Err(refused(format!(
            "The request is for '{}', and its header Host names '{}'.",
            cut(&parts.uri),
            cut(host.unwrap_or_default())
        )));
    }
    Ok(Some(target.as_str()))
}

fn refused(message: String) -> Fault {
    Fault::framework(StatusCode::BAD_REQUEST, "BadRequestException", message)
}
