//! Requests without authentication: from this machine, and not on behalf of somebody else's page.
//!
//! A listener on loopback is reached by browsers of the same machine too. A page of another site can
//! make them send requests (they carry its `Origin`), or can be served from a name that later
//! resolves to loopback (they carry its `Host`).

use http::header::{HOST, ORIGIN};
use http::request::Parts;
use http::uri::{Authority, Uri};

use super::forbidden;
use crate::error::Fault;

/// Lets a request pass if its `Host` and, if there is one, its `Origin` are of this machine.
pub(super) fn check(parts: &Parts) -> Result<(), Fault> {
    let text = |name| {
        parts
            .headers
            .get(name)
            .map(|value| value.to_str().unwrap_or_default())
    };
    if let Some(host) = text(HOST)
        && !host
            .parse::<Authority>()
            .is_ok_and(|host| is_local(host.host()))
    {
        return Err(refused("Host", host));
    }
    if let Some(origin) = text(ORIGIN)
        && !origin
            .parse::<Uri>()
            .is_ok_and(|origin| origin.host().is_some_and(is_local))
    {
        return Err(refused("Origin", origin));
    }
    Ok(())
}

fn is_local(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']');
    match address.parse::<std::net::IpAddr>() {
        Ok(address) => address.to_canonical().is_loopback(),
        Err(_) => {
            let host = host.to_ascii_lowercase();
            host == "localhost" || host.ends_with(".localhost")
        }
    }
}

fn refused(header: &str, value: &str) -> Fault {
    forbidden(
        "AccessDeniedException",
        format!(
            "The {header} header names '{value}', which is not this machine. Without api.auth only \
             requests to localhost or a loopback address are served."
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::is_local;

    #[test]
    fn only_loopback_addresses_and_localhost_are_local() {
        for host in [
            "localhost",
            "LOCALHOST",
            "api.localhost",
            "127.0.0.1",
            "127.1.2.3",
            "[::1]",
        ] {
            assert!(is_local(host), "{host}");
        }
        for host in [
            "example.com",
            "localhost.example.com",
            "10.0.0.1",
            "[::2]",
            "notlocalhost",
            "",
        ] {
            assert!(!is_local(host), "{host}");
        }
    }
}
