//! Requests that a browser sends for a web page: only those of a page that the API itself would have served.
//!
//! A listener on loopback is reached by browsers of the same machine too. A page of another site, also one on
//! another port of this machine, can make them send requests; they carry its `Origin`, and `Sec-Fetch-Site`. Or it
//! is served from a name that later resolves to loopback; they carry that name as `Host`. SDKs, the AWS CLI and
//! curl send neither `Origin` nor `Sec-Fetch-Site`. Preflight requests are refused like others, and nothing ever
//! allows a page of another origin to read an answer.
//!
//! Where clients authenticate, a browser cannot do so for a page that does not know the token or key, so this
//! is a second lock: there a proxy may stand before the API that speaks TLS and has a name of its own, and the
//! browser's own word that page and address belong together is enough.

use http::header::{HeaderName, ORIGIN};
use http::request::Parts;
use http::uri::Authority;
use lambda_esm_core::excerpt::cut;

use super::forbidden;
use crate::error::Fault;

/// How the page that asks and the address that is asked belong together (Fetch Metadata Request Headers).
const SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Lets a request pass that reached this machine under one of its own names.
pub(super) fn check_host(host: Option<&str>) -> Result<(), Fault> {
    match host {
        Some(host) if !host.parse().is_ok_and(|host| is_local(&host)) => Err(refused(format!(
            "The Host header names '{}', which is not this machine. Without api.auth only requests to \
             localhost or a loopback address are served.",
            cut(host)
        ))),
        _ => Ok(()),
    }
}

/// Lets a request pass that no page sent, or one of the API's own address `host`. `open` says that clients do
/// not authenticate.
pub(super) fn check_origin(parts: &Parts, host: Option<&str>, open: bool) -> Result<(), Fault> {
    let mut told = None;
    for site in parts.headers.get_all(SITE) {
        told = Some(site.as_bytes());
        if !matches!(site.as_bytes(), b"same-origin" | b"none") {
            return Err(refused(
                "The Sec-Fetch-Site header says that a page of another site asks; only the API's own \
                 address may."
                    .to_owned(),
            ));
        }
    }
    let Some(origin) = parts.headers.get(ORIGIN) else {
        return Ok(());
    };
    let origin = origin.to_str().unwrap_or_default();
    let own = host.is_some_and(|host| is_origin(origin, host, open));
    if own || !open && told == Some(b"same-origin") {
        return Ok(());
    }
    Err(refused(format!(
        "The Origin header names '{}', which is not the address of this API: pages of other sites are not \
         served. A proxy must pass on the Host header.",
        cut(origin)
    )))
}

/// Tells whether an origin is that of the address `host`. Only where clients authenticate, a proxy may have
/// been asked over TLS.
fn is_origin(origin: &str, host: &str, open: bool) -> bool {
    let same = |scheme: &str, port: &str| {
        let without = |address: &str| {
            let address = address.to_ascii_lowercase();
            address
                .strip_suffix(port)
                .map(str::to_owned)
                .unwrap_or(address)
        };
        origin
            .strip_prefix(scheme)
            .is_some_and(|page| without(page) == without(host))
    };
    same("http://", ":80") || !open && same("https://", ":443")
}

fn is_local(host: &Authority) -> bool {
    let host = host.host();
    let address = host.trim_start_matches('[').trim_end_matches(']');
    match address.parse::<std::net::IpAddr>() {
        Ok(address) => address.to_canonical().is_loopback(),
        Err(_) => {
            let host = host.to_ascii_lowercase();
            host == "localhost" || host.ends_with(".localhost")
        }
    }
}

fn refused(message: String) -> Fault {
    forbidden("AccessDeniedException", message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_loopback_addresses_and_localhost_are_local() {
        for host in [
            "localhost",
            "LOCALHOST:9560",
            "api.localhost",
            "127.0.0.1",
            "127.1.2.3:80",
            "[::1]",
            "[::1]:9560",
        ] {
            assert!(check_host(Some(host)).is_ok(), "{host}");
        }
        for host in [
            "example.com",
            "localhost.example.com",
            "localhost.",
            "10.0.0.1",
            "[::2]",
            "notlocalhost",
            "127.0.0.1, example.com",
            "",
        ] {
            assert!(check_host(Some(host)).is_err(), "{host}");
        }
    }

    #[test]
    fn an_origin_is_the_same_scheme_host_and_port() {
        for (origin, host) in [
            ("http://localhost:9560", "localhost:9560"),
            ("http://LOCALHOST:9560", "localhost:9560"),
            ("http://localhost", "localhost:80"),
            ("http://[::1]:9560", "[::1]:9560"),
        ] {
            assert!(is_origin(origin, host, true), "{origin} {host}");
        }
        for (origin, host) in [
            ("http://localhost:3000", "localhost:9560"),
            ("http://127.0.0.1:9560", "localhost:9560"),
            ("https://localhost:9560", "localhost:9560"),
            ("http://localhost:9560/", "localhost:9560"),
            ("http://localhost", "localhost:9560"),
            ("http://localhost:95600", "localhost:9560"),
            ("null", "localhost:9560"),
            ("", ""),
        ] {
            assert!(!is_origin(origin, host, true), "{origin} {host}");
        }
        assert!(is_origin(
            "https://esm.example.com",
            "esm.example.com",
            false
        ));
        assert!(is_origin(
            "https://esm.example.com",
            "esm.example.com:443",
            false
        ));
        assert!(!is_origin("https://example.com", "esm.example.com", false));
    }
}
