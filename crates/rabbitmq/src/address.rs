//! Where a broker is, and whom it is believed by.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

/// A broker: `amqp://host[:port]`, or `amqps://host[:port]` for TLS. The port is 5672 or 5671 if none is named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BrokerAddress {
    pub(crate) tls: bool,
    /// A name or an IP address; one of IPv6 without its brackets.
    pub(crate) host: String,
    pub(crate) port: u16,
    /// Certificate authorities in PEM that are trusted beside those of the system.
    pub(crate) root_ca: Option<Arc<str>>,
}

const SCHEMES: [(&str, bool, u16); 2] = [("amqp://", false, 5672), ("amqps://", true, 5671)];

impl BrokerAddress {
    /// Returns the same address, at which also certificates of these authorities are believed: X.509 in PEM.
    pub fn with_root_ca(self, pem: impl Into<Arc<str>>) -> Result<Self, BrokerAddressError> {
        let pem = pem.into();
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_slice_iter(pem.as_bytes()) {
            let certificate = certificate.map_err(|_| BrokerAddressError::Certificate)?;
            let added = roots.add(certificate);
            added.map_err(|_| BrokerAddressError::Certificate)?;
        }
        if roots.is_empty() {
            return Err(BrokerAddressError::Certificate);
        }
        Ok(Self {
            root_ca: Some(pem),
            ..self
        })
    }
}

impl FromStr for BrokerAddress {
    type Err = BrokerAddressError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        parse(text).ok_or(BrokerAddressError::Address)
    }
}

fn parse(text: &str) -> Option<BrokerAddress> {
    let (rest, tls, default) = SCHEMES
        .into_iter()
        .find_map(|(scheme, tls, port)| Some((text.strip_prefix(scheme)?, tls, port)))?;
    let rest = rest.strip_suffix('/').unwrap_or(rest);
    let (host, port) = match rest.strip_prefix('[') {
        Some(rest) => {
            let (host, port) = rest.split_once(']')?;
            let port = if port.is_empty() {
                None
            } else {
                Some(port.strip_prefix(':')?)
            };
            (host, port)
        }
        None => match rest.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (rest, None),
        },
    };
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || b".-_".contains(&byte);
    let is_name = !host.is_empty() && host.bytes().all(legal);
    if !is_name && host.parse::<std::net::Ipv6Addr>().is_err() {
        return None;
    }
    let port = match port {
        Some(port) => port.parse().ok().filter(|port| *port > 0)?,
        None => default,
    };
    Some(BrokerAddress {
        tls,
        host: host.to_owned(),
        port,
        root_ca: None,
    })
}

impl fmt::Display for BrokerAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.tls { "amqps" } else { "amqp" };
        let Self { host, port, .. } = self;
        if host.contains(':') {
            write!(f, "{scheme}://[{host}]:{port}")
        } else {
            write!(f, "{scheme}://{host}:{port}")
        }
    }
}

/// A text is no address of a broker.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BrokerAddressError {
    /// The address itself.
    #[error(
        "must be amqp://host[:port] or amqps://host[:port], such as amqp://127.0.0.1:5672; the virtual host and the \
         credentials are the mapping's"
    )]
    Address,
    /// The certificate authorities.
    #[error("must be certificate authorities, X.509 in PEM")]
    Certificate,
}

#[cfg(test)]
#[expect(
    clippy::unwrap_used,
    reason = "a call that fails is a check that fails"
)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_read_and_shown() {
        for (text, shown) in [
            ("amqp://localhost", "amqp://localhost:5672"),
            ("amqps://mq.example.com/", "amqps://mq.example.com:5671"),
            ("amqp://127.0.0.1:1", "amqp://127.0.0.1:1"),
            ("amqps://[::1]", "amqps://[::1]:5671"),
            ("amqp://[::1]:5", "amqp://[::1]:5"),
        ] {
            let address: BrokerAddress = text.parse().unwrap();
            assert_eq!(address.to_string(), shown);
        }
    }

    #[test]
    fn what_is_no_address_or_says_too_much_is_refused() {
        for text in [
            "",
            "localhost:5672",
            "http://localhost",
            "amqp://",
            "amqp://u:p@localhost",
            "amqp://localhost/v2",
            "amqp://localhost?heartbeat=0",
            "amqp://localhost:0",
            "amqp://localhost:65536",
            "amqp://[::1",
            "amqp://::1",
        ] {
            let refused = text.parse::<BrokerAddress>();
            assert_eq!(refused, Err(BrokerAddressError::Address), "{text}");
        }
    }

    #[test]
    fn what_is_no_certificate_authority_is_refused() {
        let address: BrokerAddress = "amqps://localhost".parse().unwrap();
        for pem in [
            "",
            "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
        ] {
            let refused = address.clone().with_root_ca(pem);
            assert_eq!(refused, Err(BrokerAddressError::Certificate), "{pem}");
        }
    }
}
